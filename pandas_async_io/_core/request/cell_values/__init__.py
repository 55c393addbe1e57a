"""What a cell means in each place of a request.

- `cells`: which text or JSON value a cell has, and which cells are null.
- `fields`: which column a field names.
- `deduplicate`: which rows have equal values.
- `missing_values`: what each place does without a value, and which rows are not sent for lack of one.
- `values`: which values ``params``, ``headers``, ``json`` and ``data`` take.
"""
