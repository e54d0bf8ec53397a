"""Publications that work with a data set must cite."""

from enum import StrEnum


class Citation(StrEnum):
    """One publication each, as text for reports and model cards."""

    DDSM = (
        "Heath M, Bowyer K, Kopans D, Moore R, Kegelmeyer WP (2001). The Digital Database for Screening "
        "Mammography. Proceedings of the Fifth International Workshop on Digital Mammography, 212-218."
    )
    CBIS_DDSM_PAPER = (
        "Lee RS, Gimenez F, Hoogi A, Miyake KK, Gorovoy M, Rubin DL (2017). A curated mammography data set "
        "for use in computer-aided detection and diagnosis research. Scientific Data 4:170177."
    )
    CBIS_DDSM = (
        "Sawyer-Lee R, Gimenez F, Hoogi A, Rubin D (2016). Curated Breast Imaging Subset of Digital "
        "Database for Screening Mammography (CBIS-DDSM). The Cancer Imaging Archive. "
        "DOI 10.7937/K9/TCIA.2016.7O02S9CY."
    )
    TCIA = (
        "Clark K, et al. (2013). The Cancer Imaging Archive (TCIA): maintaining and operating a public "
        "information repository. Journal of Digital Imaging 26(6):1045-1057."
    )
    KAGGLE_DDSM = "Scuccimarra E (2018). DDSM Mammography. Kaggle data set skooch/ddsm-mammography."
    MIAS = (
        "Suckling J, et al. (1994). The Mammographic Image Analysis Society Digital Mammogram Database. "
        "Exerpta Medica International Congress Series 1069, 375-378."
    )
