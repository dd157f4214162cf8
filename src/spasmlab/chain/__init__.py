"""The slow chain, in the order of the body: from a dose to what each class of nerve terminal releases.

`absorption` → `disposition` → `brain` → `binding` → `gaba` → `channel` → `release`, tied together in `body`
and solved by `solve`. Clock: hours.
"""
