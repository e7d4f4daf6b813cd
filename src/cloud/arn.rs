//! Amazon Resource Names of the kinds that sessions hold.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

/// An ARN of an IAM role, MFA device or policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arn {
    /// `aws`, `aws-cn`, ...
    pub partition: String,
    /// Twelve digits; empty for AWS's own policies, where it reads `aws`.
    pub account: String,
    /// What follows `role/`, `mfa/` or `policy/`, path included.
    pub path: String,
}

impl Arn {
    /// The last part of the path: the role's or device's name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Reads `arn:PARTITION:iam::ACCOUNT:role/PATH`.
pub fn role(text: &str) -> Result<Arn, ArnError> {
    parse(text, "role", &|account| is_account(account))
}

/// Reads `arn:PARTITION:iam::ACCOUNT:mfa/NAME`.
pub fn mfa_device(text: &str) -> Result<Arn, ArnError> {
    parse(text, "mfa", &|account| is_account(account))
}

/// Reads `arn:PARTITION:iam::ACCOUNT:policy/PATH`, where the account may be `aws`.
pub fn policy(text: &str) -> Result<Arn, ArnError> {
    parse(text, "policy", &|account| account == "aws" || is_account(account))
}

/// Whether the text is an account id: twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse(text: &str, kind: &str, account_is_good: &dyn Fn(&str) -> bool) -> Result<Arn, ArnError> {
    let refuse =
        |problem: String| ArnError { kind: kind.to_owned(), text: text.to_owned(), problem };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else {
        return Err(refuse("it does not have six parts between colons".into()));
    };
    if *arn != "arn" {
        return Err(refuse("it does not begin with 'arn:'".into()));
    }
    if super::partition::by_id(partition).is_none() {
        return Err(refuse(format!("there is no partition {partition:?}")));
    }
    if *service != "iam" || !region.is_empty() {
        return Err(refuse("its service must be 'iam' and its region empty".into()));
    }
    if !account_is_good(account) {
        return Err(refuse(format!("{account:?} is no account id of 12 digits")));
    }
    let path = resource.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
    let legal = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_/".contains(c);
    let path = path.filter(|p| !p.is_empty() && !p.ends_with('/') && p.chars().all(legal));
    let Some(path) = path else {
        return Err(refuse(format!("its last part must be '{kind}/NAME'")));
    };
    let (partition, account) = ((*partition).to_owned(), (*account).to_owned());
    Ok(Arn { partition, account, path: path.to_owned() })
}

/// The text is no ARN of that kind.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is no ARN of the form arn:aws:iam::111122223333:{kind}/NAME: {problem}")]
pub struct ArnError {
    kind: String,
    text: String,
    problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_by_kind() {
        let arn = role("arn:aws-cn:iam::444455556666:role/team/Admin").unwrap();
        assert_eq!((arn.partition.as_str(), arn.account.as_str()), ("aws-cn", "444455556666"));
        assert_eq!(arn.name(), "Admin");
        assert!(mfa_device("arn:aws:iam::111122223333:mfa/work").is_ok());
        assert!(policy("arn:aws:iam::aws:policy/ReadOnlyAccess").is_ok());
        for bad in [
            "",
            "Admin",
            "arn:aws:iam::444455556666:user/Admin",
            "arn:aws:iam::4444:role/Admin",
            "arn:aws:iam::444455556666:role/",
            "arn:aws:iam::444455556666:role",
            "arn:aws:iam::444455556666:role/A b",
            "arn:aws:sts::444455556666:role/Admin",
            "arn:moon:iam::444455556666:role/Admin",
            "arn:aws:iam:eu-west-1:444455556666:role/Admin",
            "xrn:aws:iam::444455556666:role/Admin",
            " arn:aws:iam::444455556666:role/Admin",
        ] {
            assert!(role(bad).is_err(), "{bad:?}");
        }
    }
}
