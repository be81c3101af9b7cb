"""Days of the data's year, as the report names them."""

from report.days import day, first_day


def test_start_days_count_from_new_year_2018_a_monday():
    assert [day(first_day(number)) for number in (0, 21, 364)] == [
        "Mon 1 Jan", "Mon 22 Jan", "Mon 31 Dec",
    ]  # fmt: skip
