"""What the Evidence tab shows: `listing` (tables filtered and sorted), `detail` (all that is known of one number),
`forest` (published beside predicted), `statements` (claims), `words` (how its numbers are written)."""
