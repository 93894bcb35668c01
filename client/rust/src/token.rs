// SPDX-License-Identifier: Apache-2.0
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic::metadata::{Ascii, MetadataValue};

use crate::Error;

/// gRPC rejects calls with more than 8 KiB of metadata before the server sees them.
const MAX_TOKEN_BYTES: usize = 7 << 10;
const MAX_AGE: Duration = Duration::from_secs(1);

/// What authenticates the calls of a client.
#[derive(Debug)]
pub(crate) struct Authentication {
    file: Option<TokenFile>,
    encrypted: bool,
    allow_unencrypted: bool,
}

impl Authentication {
    /// An empty path means no token.
    pub fn new(file: PathBuf, encrypted: bool, allow_unencrypted: bool) -> Self {
        let file = Some(file).filter(|file| !file.as_os_str().is_empty()).map(TokenFile::new);
        Self { file, encrypted, allow_unencrypted }
    }

    /// Returns the value of the metadata `authorization` for a call that begins now.
    pub fn header(&self) -> Result<Option<MetadataValue<Ascii>>, Error> {
        let Some(file) = &self.file else { return Ok(None) };
        // First, because the path could be a token by mistake.
        let token = file.read(Instant::now()).map_err(Error::Token)?;
        if !self.encrypted && !self.allow_unencrypted {
            return Err(Error::Token(format!(
                "the token in {} is not sent over an unencrypted connection; set Builder::tls, or, if nobody else can \
                 read the connection, allow_unencrypted_token or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true",
                file.path.display()
            )));
        }
        let mut header: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .map_err(|_| Error::Token("the token is not printable ASCII".to_owned()))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

/// A file with a token that may be replaced at any time.
struct TokenFile {
    path: PathBuf,
    last: Mutex<Option<(String, Instant)>>,
}

impl TokenFile {
    fn new(path: PathBuf) -> Self {
        Self { path, last: Mutex::default() }
    }

    /// Returns the token, read at most one second before `now`. Does not keep an error.
    ///
    /// Blocks; the file is small.
    fn read(&self, now: Instant) -> Result<String, String> {
        if let Some((token, at)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner) {
            if now.checked_duration_since(*at).is_some_and(|age| age < MAX_AGE) {
                return Ok(token.clone());
            }
        }
        let token = read_token(&self.path)?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.clone(), now));
        Ok(token)
    }
}

/// Shows nothing: the path could be a token by mistake.
impl fmt::Debug for TokenFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenFile").finish_non_exhaustive()
    }
}

/// Whether `text` probably has a token, as in "Bearer TOKEN", and is not the name of a file: one of `new-token`, or a JSON
/// Web Token. What follows a slash is a file.
fn looks_like_token(text: &[u8]) -> bool {
    let is_dot = |byte: &&u8| **byte == b'.';
    let begins =
        |rest: &[u8]| rest.starts_with(b"qct_") || rest.starts_with(b"eyJ") && rest.iter().filter(is_dot).count() >= 2;
    (0..text.len()).any(|i| (i == 0 || text[i - 1] != b'/') && begins(&text[i..]))
}

/// Returns the token in the file, without whitespace at its end. No error has a part of the token.
fn read_token(path: &Path) -> Result<String, String> {
    let text = read_small_file(path).map_err(|problem| {
        if looks_like_token(path.as_os_str().as_encoded_bytes()) {
            "the token file is a token; write the token to a file, and name that file".to_owned()
        } else {
            format!("token file {}: {problem}", path.display())
        }
    })?;
    let token = text.trim_ascii_end();
    match problem(token) {
        None => Ok(String::from_utf8_lossy(token).into_owned()),
        Some(problem) => Err(format!("token file {}: {problem}", path.display())),
    }
}

fn read_small_file(path: &Path) -> Result<Vec<u8>, String> {
    // Opening a pipe would block.
    let is_file = path.metadata().map_err(|error| format!("cannot be opened: {error}"))?.is_file();
    if !is_file {
        return Err("is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut text = Vec::new();
    let limit = MAX_TOKEN_BYTES as u64 + 1;
    file.take(limit).read_to_end(&mut text).map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() > MAX_TOKEN_BYTES {
        return Err(format!("has more than {MAX_TOKEN_BYTES} bytes"));
    }
    Ok(text)
}

/// Returns what metadata cannot have.
fn problem(token: &[u8]) -> Option<&'static str> {
    let has = |bytes: &[u8]| token.iter().any(|byte| bytes.contains(byte));
    if token.is_empty() {
        Some("is empty; write the token to it")
    } else if has(b"\r\n") {
        Some("has several lines; it must have only the token, in one line")
    } else if has(b" \t") {
        Some("has a space; it must have only the token, without \"Bearer\" before it")
    } else if !token.iter().all(u8::is_ascii_graphic) {
        Some("has a character that is not printable ASCII, such as a byte order mark; it must have only the token")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the path of a file in a folder of this process.
    fn path(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("qconfig-token-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }

    #[test]
    fn a_file_has_one_line_of_printable_ascii() {
        let path = path("token");
        for (text, problem) in [
            ("", "is empty"),
            (" \n\n", "is empty"),
            ("secret\nsecret2\n", "has several lines"),
            ("secret\rsecret2", "has several lines"),
            ("Bearer secret", "without \"Bearer\""),
            (" secret", "has a space"),
            ("\u{feff}secret", "not printable ASCII"),
            ("secret\x7f", "not printable ASCII"),
            ("secret\0", "not printable ASCII"),
            (&"s".repeat(7169), "has more than 7168 bytes"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read_token(&path).unwrap_err();
            assert!(error.starts_with(&format!("token file {}: ", path.display())), "{error}");
            assert!(error.contains(problem) && !error.contains("secret"), "{error}");
        }
        for (text, token) in [("a.b-c_d~e+f/g== \t\r\n\n", "a.b-c_d~e+f/g=="), (&"s".repeat(7168), &"s".repeat(7168))] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_token(&path).unwrap(), token);
        }
    }

    #[test]
    fn a_path_must_be_that_of_a_file() {
        let folder = std::env::temp_dir();
        assert_eq!(read_token(&folder).unwrap_err(), format!("token file {}: is not a regular file", folder.display()));
        assert!(read_token(&path("missing")).unwrap_err().contains("missing: cannot be opened: No such file"));
        for token in ["qct_secret", "Bearer qct_secret", " qct_secret", "'qct_secret'", "eyJh.e30.secret"] {
            let authentication = Authentication::new(PathBuf::from(token), false, false);
            assert_eq!(
                authentication.header().unwrap_err().to_string(),
                "the token file is a token; write the token to a file, and name that file"
            );
        }
        for file in ["eyJ.txt", "/nowhere/qct_ci"] {
            assert!(read_token(Path::new(file)).unwrap_err().starts_with(&format!("token file {file}: ")));
        }
    }

    #[test]
    fn a_file_is_read_at_most_once_a_second() {
        let file = TokenFile::new(path("aging"));
        let start = Instant::now();
        let _ = std::fs::remove_file(&file.path);
        assert!(file.read(start).is_err());
        std::fs::write(&file.path, "one").unwrap();
        assert_eq!(file.read(start).unwrap(), "one"); // an error is not kept
        std::fs::write(&file.path, "two").unwrap();
        assert_eq!(file.read(start + Duration::from_millis(999)).unwrap(), "one");
        assert_eq!(file.read(start + Duration::from_secs(1)).unwrap(), "two");
        std::fs::remove_file(&file.path).unwrap();
        assert!(file.read(start + Duration::from_secs(2)).is_err());
    }

    #[test]
    fn a_client_does_not_show_the_token() {
        let authentication = Authentication::new(path("shown"), true, false);
        std::fs::write(path("shown"), "secret").unwrap();
        let header = authentication.header().unwrap().unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer secret");
        assert!(!format!("{header:?} {authentication:?}").contains("secret"));
    }
}
