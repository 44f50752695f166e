"""Radio: bands, power saving timers, eDRX, AT commands, when a sleeping device can be reached. Pure."""
