"""As much of curl as the tutorial uses: a machine need not have it."""

import argparse
import urllib.error
import urllib.request

options = argparse.ArgumentParser()
options.add_argument("-s", action="store_true")
options.add_argument("-X", dest="method")
options.add_argument("-H", dest="headers", action="append", default=[])
options.add_argument("-d", dest="data")
options.add_argument("url")
given = options.parse_args()

data = None if given.data is None else given.data.encode()
headers = dict(header.split(": ", 1) for header in given.headers)
request = urllib.request.Request(given.url, data=data, headers=headers, method=given.method)
try:
    with urllib.request.urlopen(request) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.read().decode())
