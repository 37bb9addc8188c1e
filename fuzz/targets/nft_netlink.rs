//! Answers of the kernel: messages, attributes, elements.

#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the modules are another room's and private there")]

#[path = "../../crates/drivers/src/nft"]
mod nft {
    pub(crate) mod codec;
    pub(crate) mod message;
}

use libfuzzer_sys::fuzz_target;
use nft::codec::Messages;
use nft::message::{Reply, Step, batch, reply};

fuzz_target!(|bytes: &[u8]| {
    for message in Messages(bytes) {
        let Ok(message) = message else { break };
        if let Ok(Reply::Elements(elements)) = reply(&message) {
            // What the kernel said can be said back to it.
            let again = batch("t", 1, &[Step::Put("s", &elements)]);
            assert!(Messages(&again.bytes).all(|message| message.is_ok()));
        }
    }
});
