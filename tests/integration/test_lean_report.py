"""A report loads what it needs and nothing of databases, buckets or training."""

import shutil
import subprocess
import sys
from pathlib import Path

import mammobench

PACKAGE = Path(mammobench.__file__).parent
ROOT = PACKAGE.parent
STORED = ROOT / "tests" / "studies" / "first-release"
REPORT = """
import sys
import mammobench
mammobench.Study.open(sys.argv[1]).report()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_report_of_a_study_in_a_folder_loads_no_database_no_bucket_and_no_training(
    tmp_path: Path,
) -> None:
    shutil.copytree(STORED, tmp_path / "first-release")
    done = subprocess.run(
        [sys.executable, "-c", REPORT, tmp_path / "first-release"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"sqlalchemy", "psycopg", "boto3", "keras_tuner", "keras", "tensorflow"} & set(
        done.stdout.split()
    )
