from __future__ import annotations

import json

import pytest

from dataflow.errors import InputError
from dataflow.service.keys import installation_keys


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path):
    home = tmp_path / "home"

    keys = installation_keys(home)

    assert keys == installation_keys(home)
    assert {"keys.json", "simple_auth_manager_passwords.json.generated"} == {file.name for file in home.iterdir()}
    assert {0o600} == {file.stat().st_mode & 0o777 for file in home.iterdir()}


def test_no_two_installations_share_a_key(tmp_path):
    one, other = installation_keys(tmp_path / "one"), installation_keys(tmp_path / "other")

    assert not {one.jwt_secret, one.fernet_key, one.session_secret, one.password} & {
        other.jwt_secret,
        other.fernet_key,
        other.session_secret,
        other.password,
    }


def test_the_keys_are_long_enough_for_those_who_use_them(tmp_path):
    from cryptography.fernet import Fernet

    keys = installation_keys(tmp_path)

    assert len(keys.jwt_secret) >= 64
    assert b"text" == Fernet(keys.fernet_key).decrypt(Fernet(keys.fernet_key).encrypt(b"text"))


def test_airflow_is_told_the_password_and_a_changed_one_is_kept(tmp_path):
    keys = installation_keys(tmp_path)
    passwords = tmp_path / "simple_auth_manager_passwords.json.generated"
    assert {"admin": keys.password} == json.loads(passwords.read_text())
    passwords.write_text('{"admin": "mine"}')

    installation_keys(tmp_path)

    assert {"admin": "mine"} == json.loads(passwords.read_text())


def test_keys_do_not_show_themselves(tmp_path):
    keys = installation_keys(tmp_path)

    assert keys.password not in repr(keys)


def test_a_file_that_is_not_ours_is_told(tmp_path):
    (tmp_path / "keys.json").write_text('{"password": 1}')

    with pytest.raises(InputError, match=r"keys\.json does not hold the keys"):
        installation_keys(tmp_path)
