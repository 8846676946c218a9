//! Lines for whoever looks after the plugin. Bounded by the host. Never a credential, never a customer's value.

/// For the plugin's author.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// What an admin may want to know.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something is odd, and the call goes on.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// The call is about to fail, and the failure alone does not say why.
pub fn error(message: &str) {
    write(Level::Error, message);
}

use crate::bindings::connector::ferry::crm::log::Level;

/// In a native build nobody listens: tests look at answers.
fn write(level: Level, message: &str) {
    if cfg!(target_arch = "wasm32") {
        crate::bindings::connector::ferry::crm::log::write(level, message);
    }
}
