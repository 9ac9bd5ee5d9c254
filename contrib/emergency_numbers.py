#!/usr/bin/env python3
"""Packs each country's emergency numbers out of libphonenumber's short-number data.

    pip install phonenumbers
    python3 contrib/emergency_numbers.py > src/config/emergency.txt

The Python package `phonenumbers` carries that data (Apache License 2.0). A pattern of it
stands for few numbers, so all of them are written out: no pattern is left for the dialer.
"""

import itertools
import re

import phonenumbers
from phonenumbers.shortdata import _AVAILABLE_REGION_CODES as WITH_SHORT_NUMBERS

HEAD = f"""\
# The emergency numbers of each country, by its ISO 3166-1 code: an extract of the
# short-number metadata of libphonenumber (https://github.com/google/libphonenumber),
# Copyright (C) The Libphonenumber Authors, licensed under the Apache License, Version 2.0
# (https://www.apache.org/licenses/LICENSE-2.0), as the Python package phonenumbers
# {phonenumbers.__version__} has it. Changed: the patterns are written out as numbers.
# Made by contrib/emergency_numbers.py; do not edit by hand."""


def emergency_numbers(region):
    data = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
    if data is None or data.emergency is None:
        return
    if not data.emergency.national_number_pattern:
        return
    pattern = re.compile(data.emergency.national_number_pattern)
    lengths = data.emergency.possible_length or data.general_desc.possible_length
    for length in lengths:
        for digits in itertools.product("0123456789", repeat=length):
            number = "".join(digits)
            if pattern.fullmatch(number):
                yield number


print(HEAD)
regions = set(phonenumbers.SUPPORTED_REGIONS) | set(WITH_SHORT_NUMBERS)
for region in sorted(regions):
    print(" ".join([region, *emergency_numbers(region)]))
