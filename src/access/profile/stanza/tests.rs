use super::*;

const ID: Uuid = Uuid::from_u128(7);
const OTHER: Uuid = Uuid::from_u128(8);
/// What stands for the command of the session in texts here.
const OURS: &str = "/usr/bin/leapp credential-process session:00000000-0000-0000-0000-000000000007";
const THEIRS: &str =
    "/usr/bin/leapp credential-process session:00000000-0000-0000-0000-000000000008";

fn full(text: &str) -> String {
    text.replace("OURS", OURS).replace("THEIRS", THEIRS)
}

fn text<'a>(path: &'a str, bytes: &'a str) -> Text<'a> {
    Text { path: Path::new(path), bytes: Some(bytes.as_bytes()) }
}

fn region_of(id: Uuid) -> Option<String> {
    let region = [(ID, "eu-west-1"), (OTHER, "us-east-2")].into_iter().find(|(own, _)| *own == id);
    region.map(|(_, region)| region.to_owned())
}

fn with_wish<T>(
    profile: &str,
    region: Region<'_>,
    force: bool,
    run: impl FnOnce(&Wish<'_>) -> T,
) -> T {
    let bound = Bound { program: "/usr/bin/leapp".into(), home: None, session: ID };
    let name_of = |id: Uuid| (id == OTHER).then(|| "prod".to_owned());
    run(&Wish {
        profile,
        bound: &bound,
        command: OURS,
        region,
        force,
        region_of: &region_of,
        name_of: &name_of,
    })
}

fn result(edit: Result<Edit, StanzaError>) -> Result<Option<String>, String> {
    let bytes = edit.map_err(|error| match error {
        StanzaError::Taken { what, .. } => what.join(", "),
        error => error.to_string(),
    })?;
    Ok(bytes.bytes.map(|bytes| String::from_utf8(bytes.expose().to_vec()).unwrap()))
}

/// The config file after binding `profile`; `None` where nothing changes.
fn bound(
    config: &str,
    credentials: &str,
    profile: &str,
    force: bool,
) -> Result<Option<String>, String> {
    let config = full(config);
    with_wish(profile, Region::Usual(Some("eu-west-1")), force, |wish| {
        result(bind(text("config", &config), text("credentials", credentials), wish))
    })
}

fn unbound(config: &str, profile: &str) -> Result<Option<String>, String> {
    result(unbind(text("config", &full(config)), profile, &region_of))
}

#[test]
fn a_binding_changes_its_own_lines_and_nothing_else() {
    for (before, after) in [
        ("", "[profile x]\ncredential_process = OURS\nregion = eu-west-1\n"),
        (
            "# mine\r\n[profile a]\r\nregion=x\r\n",
            "# mine\r\n[profile a]\r\nregion=x\r\n\r\n[profile x]\r\ncredential_process = OURS\r\n\
             region = eu-west-1\r\n",
        ),
        (
            "[profile a]\noutput = json",
            "[profile a]\noutput = json\n\n[profile x]\ncredential_process = OURS\n\
             region = eu-west-1",
        ),
        (
            "[profile   x]  # mine\noutput=json\n; end\n\n# of a\n[profile a]\n",
            "[profile   x]  # mine\noutput=json\ncredential_process=OURS\nregion=eu-west-1\n; end\n\n\
             # of a\n[profile a]\n",
        ),
        // The user's own region stays; that of the session before does not.
        (
            "[profile x]\nregion = ap-south-1\n",
            "[profile x]\nregion = ap-south-1\ncredential_process = OURS\n",
        ),
        (
            "[profile x]\ncredential_process =\nregion = us-east-2\n",
            "[profile x]\ncredential_process = OURS\nregion = us-east-2\n",
        ),
        (
            "[profile x]\n  credential_process = /gone/leapp credential-process \
             session:00000000-0000-0000-0000-000000000007\n  s3 =\n    a = b\n",
            "[profile x]\n  credential_process = OURS\n  s3 =\n    a = b\n  region = eu-west-1\n",
        ),
    ] {
        let done = bound(before, "", "x", false).unwrap().unwrap();
        assert_eq!(done, full(after), "{before}");
        assert_eq!(bound(&done, "", "x", false), Ok(None), "again: {before}");
    }
    let default = bound("[default]\noutput = text\n", "", "default", false).unwrap().unwrap();
    assert!(
        default.starts_with("[default]\noutput = text\ncredential_process = /usr"),
        "{default}"
    );
    let prefixed = bound("[profile default]\nx = 1\n", "", "default", false).unwrap().unwrap();
    assert_eq!(
        prefixed,
        full("[profile default]\nx = 1\ncredential_process = OURS\nregion = eu-west-1\n")
    );
    let new = bound("", "", "default", false).unwrap().unwrap();
    assert!(new.starts_with("[default]\n"), "{new}");
}

#[test]
fn a_region_that_is_asked_for_is_written_and_that_of_the_session_before_is_replaced() {
    let config = full("[profile x]\ncredential_process = THEIRS\nregion = us-east-2\n");
    let done = bound(&config, "", "x", true).unwrap().unwrap();
    assert_eq!(done, full("[profile x]\ncredential_process = OURS\nregion = eu-west-1\n"));
    let done = with_wish("x", Region::Set("sa-east-1"), false, |wish| {
        result(bind(text("config", &done), text("credentials", ""), wish))
    });
    let done = done.unwrap().unwrap();
    assert_eq!(done, full("[profile x]\ncredential_process = OURS\nregion = sa-east-1\n"));
    assert_eq!(bound(&done, "", "x", false), Ok(None));
}

#[test]
fn what_gives_credentials_already_is_named_and_goes_by_force_alone() {
    for (before, what, after) in [
        (
            "[profile x]\nrole_arn = r\nmfa_serial = m\nsource_profile = b\nregion = z\n",
            "role_arn (config:2), source_profile (config:4)",
            "[profile x]\nmfa_serial = m\nregion = z\ncredential_process = OURS\n",
        ),
        (
            "[profile x]\ncredential_process = /opt/tool --secret TESTSECRET\nregion = z\n",
            "credential_process of '/opt/tool' (config:2)",
            "[profile x]\ncredential_process = OURS\nregion = z\n",
        ),
        (
            "[profile x]\ncredential_process = THEIRS\nregion = z\n",
            "credential_process of session 'prod' (config:2)",
            "[profile x]\ncredential_process = OURS\nregion = z\n",
        ),
        (
            "[profile x]\nsso_session = s\nsso_account_id = 1\nregion = z\n# e\n",
            "sso_session (config:2), sso_account_id (config:3)",
            "[profile x]\nregion = z\ncredential_process = OURS\n# e\n",
        ),
        (
            "[profile x]\naws_access_key_id = A\naws_secret_access_key = TESTSECRET\n\
             aws_session_token = TESTSECRET\nregion = z\n",
            "aws_access_key_id (config:2), aws_secret_access_key (config:3), \
             aws_session_token (config:4)",
            "[profile x]\nregion = z\ncredential_process = OURS\n",
        ),
    ] {
        assert_eq!(bound(before, "", "x", false).unwrap_err(), what);
        assert_eq!(bound(before, "", "x", true), Ok(Some(full(after))));
    }
}

#[test]
fn what_force_must_not_do_is_refused() {
    let keys = "aws_access_key_id = A\naws_secret_access_key = TESTSECRET\n";
    for (config, credentials, expected) in [
        (
            &*format!("[profile x]\n{keys}"),
            "",
            "profile 'x' holds a long-term key (config:3), which is not thrown away",
        ),
        (
            "[profile x]\n",
            &*format!("[x]\n{keys}"),
            "profile 'x' has aws_access_key_id in the credentials file (credentials:2), which wins \
             over a process",
        ),
        (
            "",
            "[x]\ncredential_process = y\n",
            "profile 'x' has credential_process in the credentials file (credentials:2), which wins \
             over a process",
        ),
        (
            "[DEFAULT]\nrole_arn = r\n",
            "",
            "all profiles inherit role_arn from [DEFAULT] (config:2)",
        ),
        (
            "[profile x]\na = 1\n[profile  x]\na = 2\n",
            "",
            "profile 'x' stands in config twice: lines 1 and 3",
        ),
        ("[profile x]\na\n", "", "config:2:1: the line has no '='"),
        (
            "[profile x]\n[profile x]\n",
            "",
            "config:2:1: section '[profile x]' stands in line 1 already",
        ),
        ("", "[a]\n[a]\n", "credentials:2:1: section '[a]' stands in line 1 already"),
    ] {
        assert_eq!(bound(config, credentials, "x", true).unwrap_err(), expected);
    }
    // Another profile's keys, and a region in the other file, are no hindrance.
    let credentials = format!("[y]\n{keys}[x]\nregion = z\n");
    let done = bound("", &credentials, "x", false).unwrap().unwrap();
    assert_eq!(done, full("[profile x]\ncredential_process = OURS\n"));
}

#[test]
fn an_unbound_file_is_what_it_was() {
    for before in [
        "",
        "# mine\r\n[profile a]\r\nregion=x\r\n",
        "[profile a]\noutput = json",
        "[profile a]\n\n\n# end\n",
        "[profile a]\n  x = 1\n",
    ] {
        let done = bound(before, "", "x", false).unwrap().unwrap();
        assert_eq!(unbound(&done, "x"), Ok(Some(before.to_owned())), "{before:?}");
    }
}

#[test]
fn unbinding_leaves_what_is_the_users() {
    for (before, after) in [
        (
            "[profile x]\ncredential_process = OURS\noutput = json\nregion = eu-west-1\n",
            "[profile x]\noutput = json\nregion = eu-west-1\n",
        ),
        (
            "[profile x]\n# why\ncredential_process = OURS\nregion = eu-west-1\n",
            "[profile x]\n# why\nregion = eu-west-1\n",
        ),
        (
            "[profile x]\ncredential_process = OURS\nregion = sa-east-1\n[profile a]\n",
            "[profile x]\nregion = sa-east-1\n[profile a]\n",
        ),
        (
            "[profile x]\ncredential_process = OURS\n\n# of a\n[profile a]\n",
            "# of a\n[profile a]\n",
        ),
    ] {
        assert_eq!(unbound(before, "x"), Ok(Some(after.to_owned())), "{before}");
    }
    for (before, expected) in [
        ("", "profile 'x' is not bound to a session"),
        ("[profile x]\nregion = z\n", "profile 'x' is not bound to a session"),
        (
            "[profile x]\ncredential_process = /opt/tool\n",
            "the credential_process of profile 'x' is not leapp's (config:2)",
        ),
    ] {
        assert_eq!(unbound(before, "x").unwrap_err(), expected);
    }
}

/// Both files after a key was moved out of them.
fn moved(config: &str, credentials: &str) -> Result<(String, String), String> {
    let secret = Secret::new("TESTSECRET".into());
    let key = StoredKey { id: "A", secret: &secret };
    let (config, credentials) = (full(config), full(credentials));
    let (mine, theirs) = (text("config", &config), text("credentials", &credentials));
    let bound = with_wish("x", Region::Usual(Some("eu-west-1")), false, |wish| {
        result(bind_for_key(mine, theirs, wish, &key))
    })?;
    let without = result(without_key(theirs, "x", &key))?;
    Ok((bound.unwrap_or(config), without.unwrap_or(credentials)))
}

#[test]
fn a_binding_takes_the_place_of_a_key() {
    let keys = "aws_access_key_id = A\naws_secret_access_key = TESTSECRET\n";
    for (config, credentials, expected) in [
        (
            format!("[profile x]\nregion = z\n{keys}output = json\n# e\n"),
            String::new(),
            ("[profile x]\nregion = z\noutput = json\ncredential_process = OURS\n# e\n", ""),
        ),
        (
            "[profile x]\nregion = z\n".into(),
            format!("# top\n[a]\n{keys}\n[x]\n{keys}"),
            (
                "[profile x]\nregion = z\ncredential_process = OURS\n",
                "# top\n[a]\naws_access_key_id = A\naws_secret_access_key = TESTSECRET\n",
            ),
        ),
        (
            String::new(),
            format!("[x]\r\n; old\r\n{}", keys.replace('\n', "\r\n")),
            ("[profile x]\ncredential_process = OURS\nregion = eu-west-1\n", "[x]\r\n; old\r\n"),
        ),
        (
            String::new(),
            format!("[x]\nregion = z\n{keys}"),
            ("[profile x]\ncredential_process = OURS\n", "[x]\nregion = z\n"),
        ),
        (
            format!("[profile x]\n{keys}"),
            format!("[x]\n{keys}"),
            ("[profile x]\ncredential_process = OURS\nregion = eu-west-1\n", ""),
        ),
    ] {
        let expected = (full(expected.0), expected.1.to_owned());
        assert_eq!(moved(&config, &credentials).unwrap(), expected, "{config} {credentials}");
    }
    for (config, credentials, expected) in [
        (
            "[profile x]\naws_access_key_id = B\naws_secret_access_key = TESTSECRET\n",
            format!("[x]\n{keys}"),
            "the keys of profile 'x' have changed meanwhile",
        ),
        (
            "[profile x]\nrole_arn = r\nsource_profile = x\n",
            format!("[x]\n{keys}"),
            "role_arn (config:2), source_profile (config:3)",
        ),
        (
            "",
            format!("[x]\n{keys}aws_session_token = TESTSECRET\n"),
            "aws_session_token (credentials:4)",
        ),
    ] {
        assert_eq!(moved(config, &credentials).unwrap_err(), expected);
    }
}
