"""The dataset card of a table, as Hugging Face's hub reads it, and its licence."""

from mammobench.benchmark import filenames
from mammobench.benchmark.tables.recorded import Recorded
from mammobench.report.markdown import templates

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(recorded: Recorded) -> str:
    """Return the card: what was measured, on what, by what, and how it is read (Gebru et al. 2021)."""
    # a second to import, and needed here alone
    from huggingface_hub import DatasetCard, DatasetCardData  # noqa: PLC0415

    metadata, runs = recorded.metadata, recorded.runs
    rows = len(recorded.curves)
    synthetic = bool(metadata["data"]["synthetic"])
    head = DatasetCardData(
        pretty_name=f"{metadata['name']}: recorded trainings of CNNs on mammogram patches",
        license="cc0-1.0",
        size_categories=next((name for most, name in _SIZES if rows < most), "1M<n<10M"),
        tags=[
            "hyperparameter-optimization", "learning-curves", "benchmark", "mammography", "tabular",
            *(["synthetic-data"] if synthetic else []),
        ],
        configs=[
            {"config_name": name.removesuffix(".parquet"), "data_files": name}
            for name in (filenames.CURVES, filenames.CONFIGS, filenames.RUNS)
        ],
    )  # fmt: skip
    statuses = runs["status"].value_counts()
    body = (
        templates()
        .get_template("dataset_card.md.j2")
        .render(
            metadata=metadata,
            space=recorded.space,
            synthetic=synthetic,
            configurations=len(recorded.configs),
            origins=recorded.configs["origin"].value_counts().to_dict(),
            seeds=int(runs["training_seed"].max()) + 1,
            trainings=len(runs),
            failed={name: int(count) for name, count in statuses.items() if name != "ok"},
            hours=f"{runs['seconds'].sum() / 3600:.1f}",
            metrics=[
                str(name).removeprefix("test_") for name in recorded.curves if str(name).startswith("test_")
            ],
            files=filenames,
        )
    )
    return str(DatasetCard(f"---\n{head.to_yaml()}\n---\n\n{body}"))


def licence_text(recorded: Recorded) -> str:
    """Return the terms of the numbers, and those of the images that they were measured on."""
    data = recorded.metadata["data"]
    citations = "".join(f"- {citation}\n" for citation in data["citations"])
    return (
        "The numbers in this folder are released under CC0 1.0 Universal,\n"
        "https://creativecommons.org/publicdomain/zero/1.0/legalcode\n\n"
        "No image is part of it. The images that the numbers were measured on have terms of their own:\n"
        f"{data['source']}: {data['licence']}\n"
        + (f"\nWork that uses the numbers must cite:\n{citations}" if citations else "")
    )
