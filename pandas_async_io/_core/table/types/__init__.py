"""The types of columns: schema and dtype backend.

- `schema`: the types of ``schema``.
- `cast`: one value in another type, exactly or not at all.
- `epoch`: numbers since 1970 as times.
- `apply_schema`: columns in the types of a schema; which request a misfit fails.
- `dtype_backend`: columns in nullable or Arrow dtypes.
"""
