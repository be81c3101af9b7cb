"""Metadata of the shipped data sets in Croissant, which search engines for data sets read.

    python -m tools.build_croissant

writes `docs/cards/*.croissant.json` from the cards of the sets; a test keeps them in step. The
format is Croissant 1.0 (MLCommons, https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from p2p_market import __version__
from p2p_market.data.sources import FOLDER, embedded_card
from p2p_market.data.system import SET as SYSTEM
from p2p_market.data.weather import SET as WEATHER
from p2p_market.files import write_bytes

ROOT: Final = Path(__file__).resolve().parent.parent
CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
COLUMNS: Final = {
    "name": "Name of the array in the file",
    "unit": "Unit of its numbers",
    "axes": "What its axes count",
    "dtype": "Type of its numbers, as NumPy writes it",
    "label": "measured, derived, resampled, simulated, synthetic or typical year",
    "done": "What was done to the source",
    "source": "Where it was taken from",
    "licence": "Its licence",
    "attribution": "Who has to be named",
    "sha256": "Digest of its bytes",
}


SETS: Final = {
    "de2018": (
        "One year, Germany 2018, in quarter-hours at UTC+1: day-ahead price, CO2 intensity, "
        "solar clearness, wind, shapes of household, shop and farm load, heat, and a "
        "low-voltage feeder. Each array is labelled measured, simulated or synthetic.",
        "2026-11-21",
    ),
    WEATHER: (
        "Beside de2018, in quarter-hours at UTC+1: the temperature of a typical year in Germany, "
        "with which the heat of de2018 was simulated, and the flow of German rivers in 2018, "
        "measured as the output of run-of-river plants.",
        "2026-11-30",
    ),
    SYSTEM: (
        "A power system, Germany 2018, in quarter-hours at UTC+1: wind on land and at sea and sun "
        "as measured, and a demand derived from generation, each over its maximum of the year.",
        "2026-12-01",
    ),
}
"""Name of a set -> what it is, and since when."""


def path(name: str) -> Path:
    """Where the metadata of a set stand."""
    return ROOT / "docs" / "cards" / f"{name}.croissant.json"


def metadata(name: str) -> dict[str, Any]:
    """The whole description of a set, as JSON-LD."""
    told, archive = embedded_card(name), f"{name}.npz"
    description, published = SETS[name]
    content = (FOLDER / archive).read_bytes()
    licences = sorted({one["licence"] for one in told["arrays"].values()})
    rows = [
        {f"arrays/{column}": (array if column == "name" else one[column]) for column in COLUMNS}
        for array, one in sorted(told["arrays"].items())
    ]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"p2p_market-{name}",
        "description": description,
        "version": __version__,
        "datePublished": published,
        "license": licences,
        "creator": {"@type": "sc:Organization", "name": "The p2p_market developers"},
        "citeAs": "See CITATION.cff of p2p_market, and the attribution of each array",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": archive,
                "name": archive,
                "description": "All arrays; numpy.load reads them",
                "contentUrl": f"p2p_market/data/{archive}",
                "contentSize": f"{len(content)} B",
                "encodingFormat": "application/zip",
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "arrays",
                "name": "arrays",
                "description": f"What each array of {archive} is",
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"arrays/{column}",
                        "name": column,
                        "description": words,
                        "dataType": "sc:Text",
                    }
                    for column, words in COLUMNS.items()
                ],
                "data": rows,
            }
        ],
    }


def text(name: str) -> bytes:
    """Content of the file of a set."""
    return (json.dumps(metadata(name), indent=1, ensure_ascii=False) + "\n").encode("utf-8")


if __name__ == "__main__":
    for one in SETS:
        write_bytes(path(one), text(one))
