//! What a fault does to an answer on its way out: the same for every CRM, but for what its answers look like.

use serde_json::Value;

use super::faults::Fault;
use super::server::{Delivery, Reply};

/// The size of a body that is too large for anybody.
const HUGE_BODY_BYTES: usize = 64 * 1024 * 1024;

/// `wrong` is JSON of another shape than the CRM's documentation has; `opening` is how a body of it begins that is padded
/// inside a text, up to many megabytes.
pub(crate) fn spoiled(fault: Option<Fault>, reply: Reply, wrong: impl FnOnce() -> Value, opening: &str) -> Reply {
    match fault {
        Some(Fault::CommitThenDrop) => Reply { delivery: Delivery::Drop, ..reply },
        Some(Fault::TruncatedBody) => Reply { delivery: Delivery::Truncated, ..reply },
        Some(Fault::Trickle) => Reply { delivery: Delivery::Trickle, ..reply },
        Some(Fault::MalformedJson) => Reply { body: reply.body.slice(..reply.body.len() * 2 / 3), ..reply },
        Some(Fault::WrongShape) => Reply { body: Reply::json(reply.status, &wrong()).body, ..reply },
        Some(Fault::HugeBody) => {
            let mut body = opening.as_bytes().to_vec();
            body.resize(HUGE_BODY_BYTES, b'x');
            body.extend_from_slice(b"\"}");
            Reply { body: body.into(), ..reply }
        }
        _ => reply,
    }
}
