"""Whatever comes from outside is taken or refused as documented; ``python -m benchmarks.hostile`` gives it 10,000."""

from benchmarks.hostile import run


def test_hostile_inputs_are_taken_or_refused_and_do_nothing_else():
    result = run(400, seed=1, report=lambda line: None)
    assert result["failures"] == []
    assert result["events"] == {}  # no process, connection, class from a pickle, or file elsewhere
    assert sum(row[1] for row in result["rows"]) == 400
    taken, refused = sum(row[2] for row in result["rows"]), sum(row[3] for row in result["rows"])
    assert taken > 40  # good inputs are among them: a reader that refused all would be no use
    assert refused > 200
    assert max(row[5] for row in result["rows"]) < 300  # megabytes
