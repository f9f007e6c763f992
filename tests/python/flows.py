"""What data scientists do with the stock MLflow client, and what is then left on the server.

    python flows.py [--ours URL] [--stock URL] [--only WORD] [--show N] [--list]

Each flow runs against our server, named by --ours or by ROPEWALK_URL, and checks what it finds there. With --stock (or
STOCK_URL) each runs against a stock MLflow server too, and all that is left on the two is compared.
"""

import sys

sys.dont_write_bytecode = True

from flows.report import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
