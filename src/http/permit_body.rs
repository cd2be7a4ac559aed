//! Response bodies that hold the permit of their run, so that there are never more large responses in
//! memory than runs are allowed at once.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;

use super::admission::Permit;

/// Responses up to this size release their permit at once: even one per connection takes little
/// memory.
const MAX_WITHOUT_PERMIT: usize = 64 << 10;

/// A response body that holds a permit until its last byte is written to the connection.
pub(super) struct PermitBody {
    text: Vec<u8>,
    _permit: Option<Arc<Permit>>,
}

impl PermitBody {
    /// Returns a body of this text, which holds `permit` if it is large.
    pub(super) fn wrap(text: Vec<u8>, permit: Option<Arc<Permit>>) -> Body {
        Body::from(Self::bytes(text, permit))
    }

    /// Returns this text, which holds `permit` if it is large.
    pub(super) fn bytes(text: Vec<u8>, permit: Option<Arc<Permit>>) -> Bytes {
        if text.len() <= MAX_WITHOUT_PERMIT {
            return text.into();
        }
        Bytes::from_owner(Self {
            text,
            _permit: permit,
        })
    }
}

impl AsRef<[u8]> for PermitBody {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}
