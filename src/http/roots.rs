//! Certificates that are trusted beside those of the system.

use std::fmt;

/// A bundle of certificates, read and found to be usable.
#[derive(Clone)]
pub struct Roots {
    pem: String,
    certificates: Vec<reqwest::Certificate>,
}

impl Roots {
    /// Reads a bundle in PEM, one certificate or more; whatever else is in it is left out.
    ///
    /// # Errors
    ///
    /// Says in half a sentence why it is no such bundle.
    pub fn read(pem: &str) -> Result<Self, String> {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| "it holds a certificate that is cut off or damaged".to_owned())?;
        if certificates.is_empty() {
            return Err("it holds no `BEGIN CERTIFICATE`".to_owned());
        }
        // What a certificate holds is looked at only when a client is made of it.
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(certificates.clone())
            .build()
            .map_err(|_| "it holds a certificate that is not X.509".to_owned())?;
        Ok(Self {
            pem: pem.to_owned(),
            certificates,
        })
    }

    /// The bundle as it was read.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn certificates(&self) -> &[reqwest::Certificate] {
        &self.certificates
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roots")
            .field(&self.certificates.len())
            .finish()
    }
}

impl PartialEq for Roots {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}
