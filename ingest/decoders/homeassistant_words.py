"""The words of Home Assistant's MQTT discovery: its abbreviations, and its device classes in common terms.

The abbreviations are those of home-assistant/core, homeassistant/components/mqtt/abbreviations.py, of all versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nyttig.errors import DecodeError

_WITH_ENDINGS = """
act action t tpl; act_stat activity_state t; act_val activity_value tpl; aux_cmd aux_command t;
aux_stat aux_state t tpl; avty availability t tpl; away_mode_cmd away_mode_command t;
away_mode_stat away_mode_state t tpl; b blue tpl; bat_lev battery_level t tpl; bri brightness tpl;
bri_cmd brightness_command t tpl; bri_stat brightness_state t; bri_val brightness_value tpl; chrg charging t tpl;
cln cleaning t tpl; clr_temp color_temp tpl; clr_temp_cmd color_temp_command t tpl; clr_temp_stat color_temp_state t;
clr_temp_val color_temp_value tpl; clrm_stat color_mode_state t; clrm_val color_mode_value tpl; cmd command t tpl;
cmd_off command_off tpl; cmd_on command_on tpl; curr_hum current_humidity t tpl; curr_temp current_temperature t tpl;
dir_cmd direction_command t tpl; dir_stat direction_state t; dir_val direction_value tpl; dock docked t tpl;
dock_cmd dock_command t tpl; err error t tpl; fan_mode_cmd fan_mode_command t tpl; fan_mode_stat fan_mode_state t tpl;
fanspd fan_speed t tpl; fx effect tpl; fx_cmd effect_command t tpl; fx_stat effect_state t; fx_val effect_value tpl;
g green tpl; hold_cmd hold_command t tpl; hold_stat hold_state t tpl; hs_cmd hs_command t tpl; hs_stat hs_state t;
hs_val hs_value tpl; hum_cmd target_humidity_command t tpl; hum_stat target_humidity_state t;
hum_state target_humidity_state tpl; img image t; json_attr json_attributes t tpl; l_ver latest_version t tpl;
lrst last_reset t; lrst_val last_reset_value tpl; mode_cmd mode_command t tpl; mode_stat mode_state t tpl;
osc_cmd oscillation_command t tpl; osc_stat oscillation_state t; osc_val oscillation_value tpl;
pause_mw_cmd pause_command t tpl; pct_cmd percentage_command t tpl; pct_stat percentage_state t;
pct_val percentage_value tpl; pos position t tpl; pow_cmd power_command t tpl; pow_stat power_state t tpl;
pr_mode_cmd preset_mode_command t tpl; pr_mode_stat preset_mode_state t; pr_mode_val preset_mode_value tpl;
r red tpl; rgb_cmd rgb_command t tpl; rgb_stat rgb_state t; rgb_val rgb_value tpl; rgbw_cmd rgbw_command t tpl;
rgbw_stat rgbw_state t; rgbw_val rgbw_value tpl; rgbww_cmd rgbww_command t tpl; rgbww_stat rgbww_state t;
rgbww_val rgbww_value tpl; send_cmd send_command t; set_fan_spd set_fan_speed t; set_pos set_position t tpl;
spd_cmd speed_command t; spd_stat speed_state t; spd_val speed_value tpl; stat state t tpl; stat_val state_value tpl;
strt_mw_cmd start_mowing_command t tpl; swing_h_mode_cmd swing_horizontal_mode_command t tpl;
swing_h_mode_stat swing_horizontal_mode_state t tpl; swing_mode_cmd swing_mode_command t tpl;
swing_mode_stat swing_mode_state t tpl; temp_cmd temperature_command t tpl; temp_hi_cmd temperature_high_command t tpl;
temp_hi_stat temperature_high_state t tpl; temp_lo_cmd temperature_low_command t tpl;
temp_lo_stat temperature_low_state t tpl; temp_stat temperature_state t tpl; tilt_cmd tilt_command t tpl;
tilt_status tilt_status t tpl; url url t tpl; val value tpl; whit_cmd white_command t; whit_val white_value tpl;
whit_val_cmd white_value_command t; whit_val_stat white_value_state t; xy_cmd xy_command t tpl; xy_stat xy_state t;
xy_val xy_value tpl
"""
"""Short, long, and which of the endings _t (_topic) and _tpl (_template) both have."""

_WHOLE = """
atype automation_type; av_tones available_tones; avty availability; avty_mode availability_mode;
bri_scl brightness_scale; clrm color_mode; clr_temp_k color_temp_kelvin; cmps components; cod_arm_req code_arm_required;
cod_dis_req code_disarm_required; cod_trig_req code_trigger_required; cont_type content_type;
def_ent_id default_entity_id; dev device; dev_cla device_class; dsp_prc display_precision; e encoding;
en enabled_by_default; ent_cat entity_category; ent_pic entity_picture; evt_typ event_types; exp_aft expire_after;
fanspd_lst fan_speed_list; flsh flash; flsh_tlng flash_time_long; flsh_tsht flash_time_short; frc_upd force_update;
fx_list effect_list; grp group; ic icon; img_e image_encoding; init initial; json_attr json_attributes;
max_hum max_humidity; max_k max_kelvin; max_mirs max_mireds; migr_discvry migrate_discovery; min_hum min_humidity;
min_k min_kelvin; min_mirs min_mireds; o origin; obj_id object_id; off_dly off_delay; on_cmd_type on_command_type;
ops options; opt optimistic; p platform; pl payload; pl_arm_away payload_arm_away;
pl_arm_custom_b payload_arm_custom_bypass; pl_arm_home payload_arm_home; pl_arm_nite payload_arm_night;
pl_arm_vacation payload_arm_vacation; pl_avail payload_available; pl_cln_sp payload_clean_spot; pl_cls payload_close;
pl_dir_fwd payload_direction_forward; pl_dir_rev payload_direction_reverse; pl_disarm payload_disarm;
pl_hi_spd payload_high_speed; pl_home payload_home; pl_inst payload_install; pl_lo_spd payload_low_speed;
pl_loc payload_locate; pl_lock payload_lock; pl_med_spd payload_medium_speed; pl_not_avail payload_not_available;
pl_not_home payload_not_home; pl_off payload_off; pl_off_spd payload_off_speed; pl_on payload_on; pl_open payload_open;
pl_osc_off payload_oscillation_off; pl_osc_on payload_oscillation_on; pl_paus payload_pause; pl_prs payload_press;
pl_ret payload_return_to_base; pl_rst payload_reset; pl_rst_hum payload_reset_humidity;
pl_rst_mode payload_reset_mode; pl_rst_pct payload_reset_percentage; pl_rst_pr_mode payload_reset_preset_mode;
pl_stop payload_stop; pl_stop_tilt payload_stop_tilt; pl_stpa payload_start_pause; pl_strt payload_start;
pl_toff payload_turn_off; pl_ton payload_turn_on; pl_trig payload_trigger; pl_unlk payload_unlock;
pos reports_position; pos_clsd position_closed; pos_open position_open; pr_modes preset_modes; ptrn pattern;
rel_s release_summary; rel_u release_url; ret retain; spd_rng_max speed_range_max; spd_rng_min speed_range_min;
spds speeds; src_type source_type; stat_cla state_class; stat_closing state_closing; stat_clsd state_closed;
stat_jam state_jammed; stat_locked state_locked; stat_locking state_locking; stat_off state_off; stat_on state_on;
stat_open state_open; stat_opening state_opening; stat_stopped state_stopped; stat_unlocked state_unlocked;
stat_unlocking state_unlocking; stype subtype; sug_dsp_prc suggested_display_precision; sup_clrm supported_color_modes;
sup_dur support_duration; sup_duration support_duration; sup_feat supported_features; sup_off supported_turn_off;
sup_vol support_volume_set; t topic; temp_unit temperature_unit; tilt_clsd_val tilt_closed_value;
tilt_inv_stat tilt_invert_state; tilt_opnd_val tilt_opened_value; tilt_opt tilt_optimistic; tit title; trns transition;
uniq_id unique_id; unit_of_meas unit_of_measurement; whit_scl white_scale; whit_val_scl white_value_scale
"""

_OF_DEVICES = """
cns connections; cu configuration_url; hw hw_version; ids identifiers; mdl model; mdl_id model_id; mf manufacturer;
sa suggested_area; sn serial_number; sw sw_version
"""

_ENDINGS = {"t": "topic", "tpl": "template"}


def _pairs(text: str) -> Mapping[str, str]:
    found = {}
    for entry in text.split(";"):
        short, long, *endings = entry.split()
        if not endings:
            found[short] = long
        for ending in endings:
            found[f"{short}_{ending}"] = f"{long}_{_ENDINGS[ending]}"
    return found


ABBREVIATIONS: Mapping[str, str] = {**_pairs(_WITH_ENDINGS), **_pairs(_WHOLE)}
DEVICE_ABBREVIATIONS: Mapping[str, str] = _pairs(_OF_DEVICES)

COMPONENTS = frozenset((
    "alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "date", "datetime", "device",
    "device_automation", "device_tracker", "event", "fan", "humidifier", "image", "lawn_mower", "light", "lock",
    "notify", "number", "scene", "select", "sensor", "siren", "switch", "tag", "text", "time", "update", "vacuum",
    "valve", "water_heater",
))  # fmt: skip

SWITCHED: Mapping[str, tuple[str, float]] = {
    "door": ("contact", 0.0), "garage_door": ("contact", 0.0), "window": ("contact", 0.0),
    "opening": ("contact", 0.0), "lock": ("lock", 0.0), "moisture": ("water_leak", 1.0),
    "motion": ("motion", 1.0), "occupancy": ("occupancy", 1.0), "presence": ("presence", 1.0),
    "vibration": ("vibration", 1.0), "tamper": ("tamper", 1.0), "smoke": ("smoke", 1.0), "gas": ("gas", 1.0),
}  # fmt: skip
"""A binary sensor's class → our type, and its value while the sensor is on: an open door has no contact."""

MEASURED: Mapping[str, tuple[str, str | None]] = {
    "temperature": ("temperature", "°C"), "humidity": ("humidity", "%"), "pressure": ("pressure", "hPa"),
    "atmospheric_pressure": ("pressure", "hPa"), "illuminance": ("illuminance", "lx"),
    "carbon_dioxide": ("co2", "ppm"), "power": ("power", "W"), "current": ("current", "A"), "voltage": ("voltage", "V"),
    "energy": ("energy", "kWh"), "weight": ("weight", "kg"), "distance": ("distance", "m"),
    "volatile_organic_compounds": ("voc", None), "volatile_organic_compounds_parts": ("voc", None),
    "sound_pressure": ("noise", None), "gas": ("gas_volume", None), "lux": ("illuminance", "lx"),
    "co2": ("co2", "ppm"), "position": ("position", "%"),
}  # fmt: skip
"""A sensor's class, or its own name where it has none, → our type and the unit in which that comes."""

UNITS: Mapping[str, tuple[str, float, float]] = {
    "°F": ("°C", 5 / 9, -160 / 9), "K": ("°C", 1.0, -273.15), "Pa": ("hPa", 0.01, 0.0), "kPa": ("hPa", 10.0, 0.0),
    "mbar": ("hPa", 1.0, 0.0), "cbar": ("hPa", 10.0, 0.0), "bar": ("hPa", 1000.0, 0.0),
    "mmHg": ("hPa", 1.333224, 0.0), "inHg": ("hPa", 33.86389, 0.0), "psi": ("hPa", 68.94757, 0.0),
    "mW": ("W", 0.001, 0.0), "kW": ("W", 1000.0, 0.0), "MW": ("W", 1e6, 0.0), "mA": ("A", 0.001, 0.0),
    "mV": ("V", 0.001, 0.0), "µV": ("V", 1e-6, 0.0), "kV": ("V", 1000.0, 0.0), "Wh": ("kWh", 0.001, 0.0),
    "MWh": ("kWh", 1000.0, 0.0), "MJ": ("kWh", 1 / 3.6, 0.0), "g": ("kg", 0.001, 0.0), "lb": ("kg", 0.45359237, 0.0),
    "oz": ("kg", 0.028349523125, 0.0), "mm": ("m", 0.001, 0.0), "cm": ("m", 0.01, 0.0), "km": ("m", 1000.0, 0.0),
    "in": ("m", 0.0254, 0.0), "ft": ("m", 0.3048, 0.0),
}  # fmt: skip
"""A unit → the common one, the factor and what is then added."""

DEVICE_WORDS = frozenset(("manufacturer", "model", "model_id", "name", "via_device"))
"""What is kept of a device."""

CHARACTERS_OF_ONE_MAX = 100_000


def length_of_templates(configs: Iterable[Mapping[str, Any]], availability: Any) -> int:
    """How many characters the templates of one message's configurations have, all together.

    Raises DecodeError `oversized` where they are more than any device has: compiled, they are far larger.
    """
    entries = availability if isinstance(availability, list) else []
    length = sum(
        len(value)
        for part in (*configs, *entries)
        for key, value in part.items()
        if key.endswith("template") and isinstance(value, str)
    )
    if length > CHARACTERS_OF_ONE_MAX:
        raise DecodeError(
            "oversized", f"templates of {length} characters; at most {CHARACTERS_OF_ONE_MAX} are read"
        )
    return length
