"""The same HTTP calls to a stock MLflow server and to ours, answers compared.

    python differential.py [--stock URL] [--ours URL] [--only AREA[/CASE]] [--show N] [--list] [--digest FILE]

The stock server is started from this Python unless --stock names one. Ours is named by --ours or by ROPEWALK_URL.
"""

import sys

sys.dont_write_bytecode = True

from differential.report import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
