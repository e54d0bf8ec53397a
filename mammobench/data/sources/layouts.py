"""The layouts of data sets that `data prepare` knows: the one place to register another.

A new one is a class of the form of `mammobench.data.sources.registry.Source` in a file of its own, and one
entry here. From it follow recognition, ``--format`` and its help, the table of `mammobench/data/README.md`,
and the contract tests, for which the class writes a small set: ``write_sample(folder)``.
"""

from mammobench.core.registry import Entry, register

LAYOUTS: dict[str, Entry] = {}
"""By name, recognised in this order: a folder of images is what nothing else was."""

_HERE = "mammobench.data.sources"

register(
    LAYOUTS,
    Entry(
        name="ddsm",
        meaning="the Kaggle set skooch/ddsm-mammography",
        where=f"{_HERE}.ddsm:DdsmSource",
    ),
    Entry(
        name="cbis-ddsm",
        meaning="CBIS-DDSM of TCIA, whole films and masks",
        where=f"{_HERE}.cbis:CbisSource",
    ),
    Entry(
        name="mini-mias",
        meaning="mini-MIAS, whole films",
        where=f"{_HERE}.mias:MiasSource",
    ),
    Entry(
        name="folder",
        meaning="images of one's own",
        where=f"{_HERE}.folder:FolderSource",
    ),
)
