"""A call whose records are given out as they come.

- `streamed_call`: sends a call, as far as its reader keeps up.
- `chunk_builder`: makes frames of the rows that came.
- `chunks`: the iterator over frames of one size.
- `parquet_job`: writes the records to a folder of Parquet parts, and goes on where it stopped.
- `part_writer`: writes parts of one schema.
- `job_description`: what makes two calls the same job.
- `resume_point`: where a job goes on.
- `parquet_parts`: what a job wrote.
"""
