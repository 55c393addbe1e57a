"""Answers and parts on disk: the only place that knows SQLite.

- `store`: the public `Store`.
- `answer_file`: the SQLite file: opened and checked, answers looked up and written.
- `layout`: its tables, and what is refused as another file.
- `new_answers`: answers that came, as rows.
- `upkeep`: looking at a file, removing answers, merging files.
- `writer`: the thread that writes answers.
- `answer_reader`: kept rows as answers.
- `call_store`: what one call reads and keeps.
- `part_folder`: a folder of parts and its manifest.
- `lock`: one writer of a folder at a time.
"""
