"""Metadata of the shipped data set in Croissant, which search engines for data sets read.

    python -m tools.build_croissant

writes `docs/cards/de2018.croissant.json` from the data set's own card; a test keeps it in step. The
format is Croissant 1.0 (MLCommons, https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from p2p_market import __version__
from p2p_market.data.dataset import card
from p2p_market.files import write_bytes

ROOT: Final = Path(__file__).resolve().parent.parent
PATH: Final = ROOT / "docs" / "cards" / "de2018.croissant.json"
ARRAYS: Final = ROOT / "p2p_market" / "data" / "de2018.npz"
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
    "label": "measured, resampled, simulated or synthetic",
    "done": "What was done to the source",
    "source": "Where it was taken from",
    "licence": "Its licence",
    "attribution": "Who has to be named",
    "sha256": "Digest of its bytes",
}


def metadata() -> dict[str, Any]:
    """The whole description, as JSON-LD."""
    told = card("de2018")
    content = ARRAYS.read_bytes()
    licences = sorted({one["licence"] for one in told["arrays"].values()})
    rows = [
        {f"arrays/{column}": (name if column == "name" else one[column]) for column in COLUMNS}
        for name, one in sorted(told["arrays"].items())
    ]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "p2p_market-de2018",
        "description": (
            "One year, Germany 2018, in quarter-hours at UTC+1: day-ahead price, CO2 intensity, "
            "solar clearness, wind, shapes of household, shop and farm load, heat, and a "
            "low-voltage feeder. Each array is labelled measured, simulated or synthetic."
        ),
        "version": __version__,
        "datePublished": "2026-11-21",
        "license": licences,
        "creator": {"@type": "sc:Organization", "name": "The p2p_market developers"},
        "citeAs": "See CITATION.cff of p2p_market, and the attribution of each array",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "de2018.npz",
                "name": "de2018.npz",
                "description": "All arrays; numpy.load reads them",
                "contentUrl": "p2p_market/data/de2018.npz",
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
                "description": "What each array of de2018.npz is",
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


def text() -> bytes:
    """The file's content."""
    return (json.dumps(metadata(), indent=1, ensure_ascii=False) + "\n").encode("utf-8")


if __name__ == "__main__":
    write_bytes(PATH, text())
