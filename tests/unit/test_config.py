"""Settings: typed, frozen, and errors that name the variable."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shoplens.config import Settings, SettingsError, prefix


class OvenSettings(Settings):
    model_config = prefix("OVEN")

    degrees: int = 180


def test_a_variable_is_read_by_its_prefix(monkeypatch):
    monkeypatch.setenv("SHOPLENS_OVEN_DEGREES", "220")
    assert OvenSettings.from_environment().degrees == 220


def test_a_wrong_value_is_refused_by_the_variables_name(monkeypatch):
    monkeypatch.setenv("SHOPLENS_OVEN_DEGREES", "hot")
    with pytest.raises(SettingsError, match=r"SHOPLENS_OVEN_DEGREES: .*integer"):
        OvenSettings.from_environment()


def test_settings_do_not_change_once_read():
    with pytest.raises(ValidationError):
        OvenSettings().degrees = 5
