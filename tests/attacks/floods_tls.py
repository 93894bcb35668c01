# SPDX-License-Identifier: Apache-2.0
"""Some of floods.py through TLS, by a client that has a certificate."""

import kit
from floods import GOALS, disconnect, ping, rapid_reset, reset_and_reconnect

if __name__ == "__main__":
    kit.main(ping, rapid_reset, reset_and_reconnect, disconnect, goals=GOALS, mtls=True, seconds=8)
