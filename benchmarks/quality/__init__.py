"""How accurate Portrait is beside its competitors, on real data under one clock: `python -m benchmarks.quality`.

`data` reads the sets, `app.services.run_exam` asks, `report` writes what came out.
"""
