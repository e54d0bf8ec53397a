"""A table's description in Croissant, the metadata format of MLCommons for data sets (Akhtar et al. 2024)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mammobench.benchmark import filenames
from mammobench.benchmark.tables.recorded import Recorded

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TABLES = {
    filenames.CONFIGS: "One row a configuration: its hyperparameters.",
    filenames.CURVES: "One row an epoch of a training: its scores on validation and test, and its seconds.",
    filenames.RUNS: "One row a training: how it ended, its seconds, weights and memory.",
}


def croissant(recorded: Recorded, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return the description as JSON-LD, format 1.0.

    Args:
        recorded: The table.
        hashes: SHA-256 of its files, by name.
    """
    metadata = recorded.metadata
    frames = {
        filenames.CONFIGS: recorded.configs,
        filenames.CURVES: recorded.curves,
        filenames.RUNS: recorded.runs,
    }
    synthetic = " Synthetic images." if metadata["data"]["synthetic"] else ""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": metadata["name"],
        "description": (
            "Recorded trainings of convolutional neural networks on mammogram patches: "
            f"{metadata['task']} by {metadata['objective']}, {len(recorded.configs)} configurations, "
            f"{len(recorded.runs)} trainings, every epoch.{synthetic}"
        ),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "url": metadata.get("url") or "https://github.com/mlcommons/croissant",
        "datePublished": metadata["created"],
        "version": metadata["versions"].get("mammobench", "0.0.0"),
        "citeAs": " ".join(metadata["data"]["citations"]),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": "application/x-parquet",
                "sha256": hashes[name],
            }
            for name in frames
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": name.removesuffix(".parquet"),
                "name": name.removesuffix(".parquet"),
                "description": _TABLES[name],
                "field": [_field(name, str(column), frame[column]) for column in frame],
            }
            for name, frame in frames.items()
        ],
    }


def _field(file: str, column: str, values: pd.Series) -> dict[str, Any]:
    table = file.removesuffix(".parquet")
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{column}",
        "name": f"{table}/{column}",
        "dataType": _data_type(values),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }


def _data_type(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "sc:Boolean"
    if pd.api.types.is_integer_dtype(values):
        return "sc:Integer"
    return "sc:Float" if pd.api.types.is_float_dtype(values) else "sc:Text"
