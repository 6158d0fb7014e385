"""A library another one would load at once is left for when it is needed."""

from __future__ import annotations

import os
import subprocess
import sys

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def run(program: str, **told: str) -> None:
    environment = os.environ | {f"EXPOSURE_{name}": value for name, value in told.items()}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


def test_what_is_left_for_later_is_not_loaded_and_can_be_loaded_later() -> None:
    run(
        "import sys\n"
        "from exposure.deferred import deferred\n"
        "with deferred('json.tool'):\n"
        "    try: import json.tool\n"
        "    except ImportError: pass\n"
        "    else: raise AssertionError('it was loaded')\n"
        "assert 'json.tool' not in sys.modules\n"
        "import json.tool\n"
        "with deferred('json.tool'): import json.tool\n"
        "assert 'json.tool' in sys.modules\n"
    )


def test_what_one_thread_leaves_for_later_another_can_load_meanwhile() -> None:
    run(
        "import sys, threading\n"
        "from exposure.deferred import deferred\n"
        "def load(): import json.tool\n"
        "with deferred('json.tool'):\n"
        "    other = threading.Thread(target=load)\n"
        "    other.start(); other.join()\n"
        "    assert 'json.tool' in sys.modules\n"
    )


def test_the_api_starts_without_arrow_and_can_still_answer_in_it() -> None:
    run(
        "import sys, threading\n"
        "from exposure.entrypoints import api\n"
        "app = api()\n"
        "[one.join() for one in threading.enumerate() if one.name == 'warehouse-reader']\n"
        "assert 'google.cloud.bigquery' in sys.modules\n"
        "assert 'pyarrow' not in sys.modules\n"
        "import pyarrow\n",
        PROJECT="local",
        LOCATION="EU",
        PAGE_TOKEN_KEYS=KEY,
        BIGQUERY_ENDPOINT="http://127.0.0.1:9",
    )
