"""What is wrong with somebody's file is said in sentences, never in the words of a library."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p2p_market.validation import explain, sentences


class Flat(BaseModel):
    kind: Literal["flat"]


class Dynamic(BaseModel):
    kind: Literal["dynamic"]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    years: Annotated[list[int], Field(max_length=2)] = []
    contract: Annotated[Flat | Dynamic, Field(discriminator="kind")] = Flat(kind="flat")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "A b"}, "name 'A b': is not written as it must be; its pattern is ^[a-z]+$"),
        ({"name": 3}, "name 3: must be a text; put it into quotes"),
        ({"years": [1, 2, 3]}, "years [1, 2, 3]: must have at most 2 items, not 3"),
        ({"years": ["x"]}, "years[0] 'x': must be a whole number, without quotes"),
        (
            {"contract": {"kind": "flatt"}},
            "contract {'kind': 'flatt'}: unknown `kind` 'flatt'; known: flat, dynamic",
        ),
        ({"contract": {}}, "contract {}: has no `kind`; add one"),
        ({"nmae": 1}, "nmae 1: there is no such key; check its spelling"),
    ],
)
def test_each_complaint_says_where_what_and_how_to_mend(values, said):
    with pytest.raises(ValidationError) as error:
        Form.model_validate(values)
    assert explain(error.value) == said


def test_of_many_complaints_the_number_is_told():
    with pytest.raises(ValidationError) as error:
        Form.model_validate({f"k{number}": number for number in range(6)})
    assert len(sentences(error.value)) == 6
    assert explain(error.value).endswith("check its spelling; and 2 more")
    assert explain(error.value, most=1).endswith("; and 5 more")
