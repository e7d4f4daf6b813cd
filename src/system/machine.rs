//! The machine's id: 32 hexadecimal digits, or the platform's UUID.
//!
//! On Linux any user can read it: it hides the content of a copied file, and that is all.

/// The ids to try, best first, each in its canonical form. Opening tries all, sealing takes the
/// first.
pub fn ids() -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in candidates().iter().filter_map(|text| accept(text)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Both files that Linux has for it. The library reads D-Bus's first, and where the two differ
/// systemd's is the one that lasts.
#[cfg(target_os = "linux")]
fn candidates() -> Vec<String> {
    let paths = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

#[cfg(not(target_os = "linux"))]
fn candidates() -> Vec<String> {
    machine_uid::get().into_iter().collect()
}

/// Accepts 32 hexadecimal digits that are not all equal, with or without a UUID's hyphens.
fn accept(text: &str) -> Option<String> {
    let id: String = text.trim().chars().filter(|c| *c != '-').collect();
    let first = id.chars().next()?;
    let good = id.len() == 32
        && id.chars().all(|c| c.is_ascii_hexdigit())
        && !id.chars().all(|c| c == first);
    good.then(|| id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_uninitialised_id_is_refused() {
        assert!(accept("3d1219c7c4c5404aaa1f6d2a48adfda4\n").is_some());
        assert!(accept("3D1219C7-C4C5-404A-AA1F-6D2A48ADFDA4").is_some());
        for bad in ["", "\n", "uninitialized", &"0".repeat(32), &"f".repeat(32), "12"] {
            assert_eq!(accept(bad), None, "{bad:?}");
        }
    }
}
