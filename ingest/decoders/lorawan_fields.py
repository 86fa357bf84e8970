"""What makers of LoRaWAN devices call their fields, in the words of Nyttig; names in snake_case.

Read from the makers' own decoders (Milesight, Elsys, Netvox, Tektelic, Yobiiq, Decentlab, Dragino) and from the
channel formats CayenneLPP of ChirpStack and The Things Stack. The list: docs/devices/lorawan.md.
"""

from __future__ import annotations

import re

MEASURED: dict[str, tuple[str, str | None, float]] = {
    **dict.fromkeys(
        (
            "temperature", "temp", "temp_c", "temperature_c", "air_temperature", "ambient_temperature",
            "environment_temperature", "temp_c_sht", "temperature_sensor",
        ),
        ("temperature", "°C", 1.0),
    ),
    **dict.fromkeys(
        ("temperature_f", "temp_f", "tempf"),
        ("temperature", "°F", 1.0),
    ),
    **dict.fromkeys(
        ("humidity", "relative_humidity", "air_humidity", "rel_humidity", "hum", "hum_sht", "rh", "humidity_sensor"),
        ("humidity", "%", 1.0),
    ),
    **dict.fromkeys(
        ("pressure", "barometric_pressure", "air_pressure", "atmospheric_pressure", "barometer"),
        ("pressure", None, 1.0),
    ),
    **dict.fromkeys(
        (
            "illuminance", "illumination", "light", "lux", "ill_lx", "luminosity", "illuminance_lux",
            "illuminance_sensor",
        ),
        ("illuminance", "lx", 1.0),
    ),
    **dict.fromkeys(("co2", "co2_concentration", "co2_ppm"), ("co2", "ppm", 1.0)),
    **dict.fromkeys(("tvoc", "total_voc"), ("tvoc", None, 1.0)),
    **dict.fromkeys(("pm2_5", "pm25"), ("pm2_5", "µg/m³", 1.0)),
    "pm10": ("pm10", "µg/m³", 1.0),
    "hcho": ("hcho", "mg/m³", 1.0),
    **dict.fromkeys(("distance", "distance_mm"), ("distance", "m", 0.001)),
    "distance_cm": ("distance", "m", 0.01),
    **dict.fromkeys(("power", "active_power", "power_w"), ("power", "W", 1.0)),
    **dict.fromkeys(("power_consumption", "power_sum", "energy_wh"), ("energy", "kWh", 0.001)),
    "energy_kwh": ("energy", "kWh", 1.0),
    "voltage": ("voltage", "V", 1.0),
    "current": ("current", "A", 1.0),
    "total_current": ("total_current", "Ah", 1.0),
    "fine_current": ("fine_current", "mA", 1.0),
    **dict.fromkeys(("noise", "laeq", "laf", "lafmax", "sound_avg", "sound_peak"), ("", "dB", 1.0)),
    **dict.fromkeys(("power_factor", "factor", "remaining", "valve_opening", "light_percent"), ("", "%", 1.0)),
    "weight_kg": ("weight", "kg", 1.0),
    "weight_g": ("weight", "kg", 0.001),
    "position": ("position", "%", 1.0),
    "frequency": ("frequency", "Hz", 1.0),
    "wind_speed": ("wind_speed", "m/s", 1.0),
    "wind_direction": ("wind_direction", "°", 1.0),
    "rainfall_total": ("rainfall_total", "mm", 1.0),
}  # fmt: skip
"""Field → type (empty: its own name), unit, factor to that unit."""

MEASURED_BY_FORM: tuple[tuple[re.Pattern[str], str, float], ...] = (
    (re.compile(r"(.*_)?temperature(_(chn)?[0-9]+|_target)?"), "°C", 1.0),
    (re.compile(r"(.*_)?humidity(_[0-9]+)?"), "%", 1.0),
    (re.compile(r"angle_[xyz]"), "°", 1.0),
    (re.compile(r"current_?l?[0-9]+"), "A", 0.001),  # Netvox and Yobiiq, both mA
    (re.compile(r"voltage_l[0-9]+_?n?"), "V", 1.0),
    (re.compile(r"active_energy_(import|export)_.*"), "kWh", 0.001),
    (re.compile(r"(.*_)?(count|counter)(_[0-9]+|_all|_max)?|(total|period|periodic_counter)_(in|out)"), "count", 1.0),
)  # fmt: skip

BOTH = {
    "on": 1.0, "off": 0.0, "yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0,
    "alarm": 1.0, "normal": 0.0, "trigger": 1.0, "triggered": 1.0, "idle": 0.0,
}  # fmt: skip
_OPEN = {"open": 0.0, "opened": 0.0, "close": 1.0, "closed": 1.0}

SWITCHED: dict[str, tuple[str, dict[str, float], bool]] = {
    **dict.fromkeys(
        ("magnet_status", "magnet", "magnet_chn1", "magnet_chn2", "magnet_1", "magnet_2", "door", "door_status",
         "door_open", "door_open_status", "reed_state", "reed"),
        ("contact", _OPEN, True),
    ),
    **dict.fromkeys(("contact", "contact_state"), ("contact", _OPEN, False)),
    "contact_switch": ("contact_switch", BOTH, False),
    "window_detection": ("window_open", {"open": 1.0, "close": 0.0, "closed": 0.0, "normal": 0.0}, False),
    **dict.fromkeys(
        ("occupancy", "occupied", "pir", "pir_status", "motion", "motion_event_state", "presence", "presence_sensor"),
        (
            "occupancy",
            {**BOTH, "occupied": 1.0, "vacant": 0.0, "unoccupied": 0.0, "motion": 1.0, "none": 0.0, "detected": 1.0},
            False,
        ),
    ),
    "motion_status": (
        "moving",
        {"moving": 1.0, "start moving": 1.0, "stop moving": 0.0, "stationary": 0.0},
        False,
    ),
    "daylight": ("daylight", {"light": 1.0, "bright": 1.0, "dark": 0.0, "dim": 0.0}, False),
    **dict.fromkeys(
        ("leakage_status", "water_leak", "waterleak", "water_leak_status", "leak"),
        ("water_leak", {**BOTH, "leak": 1.0, "leakage": 1.0, "no leak": 0.0, "noleak": 0.0}, False),
    ),
    **dict.fromkeys(
        ("tamper_status", "tamper", "tamper_detect"),
        ("tamper", {**BOTH, "uninstalled": 1.0, "installed": 0.0, "tamper": 1.0}, False),
    ),
    **dict.fromkeys(("smoke_alarm", "smoke_status", "smoke"), ("smoke", {**BOTH, "smoke": 1.0}, False)),
    **dict.fromkeys(("gas_alarm", "gas_status", "gas"), ("gas", {**BOTH, "gas": 1.0}, False)),
    **dict.fromkeys(("sos", "panic", "emergency", "emergency_button"), ("sos", BOTH, False)),
    **dict.fromkeys(("socket_status", "socket_state"), ("switch", {**BOTH, "open": 1.0, "close": 0.0}, False)),
    "position": ("tilt", {"tilt": 1.0, "normal": 0.0}, False),
    **dict.fromkeys(("impact_alarm", "ball_status"), ("vibration", BOTH, False)),
    **dict.fromkeys(
        ("lock", "lock_status", "lock_state"),
        ("lock", {"lock": 1.0, "locked": 1.0, "unlock": 0.0, "unlocked": 0.0}, False),
    ),
}  # fmt: skip
"""Field → type, its words, and whether a number or true means the opposite (1 is open)."""

SWITCHED_BY_FORM: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"switch_([0-9]+)"), r"switch_\1"),
    (re.compile(r"button_status_?([0-9]+)"), r"switch_\1"),
    (re.compile(r"channel([0-9]+)_state_state"), r"switch_\1"),
    (re.compile(r"(threshold)_([xyz])"), r"tilt_\2"),
    (re.compile(r"([a-z0-9_]+_alarm)"), r"\1"),
)

PRESSED = frozenset(
    ("press", "button_event", "button_event_status", "button_press", "button_pressed", "doorbell")
)
PRESS_NUMBERS = {1: "short", 2: "long", 3: "double"}

BATTERY_PERCENT = frozenset(
    ("battery", "battery_pct", "battery_level", "battery_percent", "battery_percentage", "battery_main",
     "battery_level_in_percentage", "rem_batt_capacity", "battery_capacity", "bat", "bat_percent")
)  # fmt: skip
BATTERY_VOLTS = frozenset(
    (
        "battery_voltage",
        "battery_v",
        "bat_voltage",
        "bat_v",
        "batt_v",
        "batt_voltage",
        "volt",
        "vbat",
        "v_bat",
        "vdd",
    )
)
BATTERY_LOW = frozenset(("low_battery_alarm", "low_battery", "battery_low", "low_volt"))
FIRMWARE = frozenset(
    ("firmware_version", "firmware", "fw_version", "fw", "sw_ver", "swver", "software_version")
)

PLACES = re.compile(r"(.*_)?(latitude|longitude|altitude|lat|lon|long|lng|gps|wifi|location|geofence)(_.*)?")
"""Where somebody is: never read, never kept."""

SETTINGS = re.compile(
    r"(.*_)?(config|configs|settings?|schedule|control|interval|mode|enable|enabled|version|class|cmd|rule|rules"
    r"|request|timestamp|template|qrcode|calibration|conv|change|timezone|agent|plan|wires|array|permissions"
    r"|mutation|type|index|sn|serial_number|device_serial_number|imei|imsi|iccid|protocol|id)"
    r"|(?:min|max)_time|device_status|reboot|report_.*|text_.*|template_.*|plan_.*|wires_.*|power_consumption_.+"
    r"|overcurrent_.*|daylight_saving_time.*|get_.*|tick_per_.*|lora_.*|f_port|f_cnt|dr|confirmed|bytes|payload|raw"
    r"|frm_payload|hex_string|rssi|snr|channel_rssi|channel_index|frequency_offset|uplink_id|rf_chain|channel"
    r"|device|hwver|datecode|eui|error|errors|warning|warnings"
)
"""What a device was told to do and how it was sent: no measurement, whatever number stands there."""

SENSECAP = {4097: "temperature", 4098: "humidity", 4099: "illuminance", 4100: "co2", 4101: "pressure"}
