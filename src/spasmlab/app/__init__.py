"""The laboratory as a web page: `spasmlab app`. One process, no network beyond the machine it runs on.

`server` builds the program, `page` the shell, `state` what a link holds, `board` what a tab works with, `tabs` the five
tabs, `work` threads and processes, `api` the same verbs as JSON, `exports` what can be taken away.
"""
