//! Throttling of sign-in: per account, per address, per known device.
