import json
from xml.etree import ElementTree as ET

import numpy as np

from mammobench.report.chart import Chart
from mammobench.report.drawing import svg_of

HOSTILE = "\"'><script>alert(1)</script> {1}"


def drawn() -> Chart:
    """Return a figure of three points, one of them missing, in the axes' corners."""
    chart = Chart(4, 3, dots=200)
    axes = chart.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_position((0, 0, 1, 1))
    chart.set_layout_engine("none")
    chart.tell(axes, np.array([0.0, 0.5, 1.0]), [1.0, np.nan, 0.5], "{0}: {1}", HOSTILE, ["a", "b", "c"])
    return chart


def test_points_tell_their_values_where_they_are_drawn() -> None:
    element = ET.fromstring(svg_of(drawn(), "title"))  # noqa: S314 - our own markup
    assert element.get("viewBox") == "0 0 288 216"
    (series,) = json.loads(element.get("data-tips", ""))
    assert series == {"at": [0, 0, 288, 108], "words": "{0}: {1}", "values": [HOSTILE, ["a", "c"]]}


def test_without_a_script_the_figure_itself_tells_them() -> None:
    element = ET.fromstring(svg_of(drawn(), "title", scripted=False))  # noqa: S314 - our own markup
    namespace = "{http://www.w3.org/2000/svg}"
    circles = element.findall(f".//{namespace}circle")
    assert [circle.findtext(f"{namespace}title") for circle in circles] == [f"{HOSTILE}: a", f"{HOSTILE}: c"]
    assert [(float(circle.get("cx", "")), float(circle.get("cy", ""))) for circle in circles] == [
        (0, 0),
        (288, 108),
    ]
    assert element.get("data-tips") is None
