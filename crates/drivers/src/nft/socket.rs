//! A netlink socket to nf_tables. The kernel answers while `send` runs, so that reading never waits.

use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use std::os::fd::OwnedFd;

use crate::error::Error;
use crate::netns::Place;
use crate::nft::codec::{Message, Messages};
use crate::nft::message::{Reply, reply};

/// Room for acknowledgements: one needs less than 1 KiB of it; the kernel doubles the number.
const RECEIVE_BUFFER: usize = 8 << 20;
/// A transaction must fit into the send buffer as a whole; 100,000 elements are 3 to 5 MB, a million 30 to 50.
const SEND_BUFFER: usize = 96 << 20;
/// The kernel never makes a longer datagram for a reader with this buffer.
const DATAGRAM: usize = 64 << 10;

/// A socket of one network namespace; it stays there wherever its owner goes.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens a socket in the namespace of `place`.
    pub(crate) fn open(place: &Place) -> Result<Self, Error> {
        let fd = place.run(|| {
            let fd = rustix::net::socket_with(
                AddressFamily::NETLINK,
                SocketType::RAW,
                SocketFlags::CLOEXEC,
                Some(NETFILTER),
            )?;
            rustix::net::bind(&fd, &SocketAddrNetlink::new(0, 0))?;
            rustix::net::connect(&fd, &SocketAddrNetlink::new(0, 0))?;
            Ok(fd)
        })?;
        let fd: OwnedFd = fd.map_err(|errno| Error::kernel("opening netlink", errno))?;
        // Without the capability the plain calls still give what net.core.*mem_max allows.
        if sockopt::set_socket_recv_buffer_size_force(&fd, RECEIVE_BUFFER).is_err() {
            let _best_effort = sockopt::set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER);
        }
        if sockopt::set_socket_send_buffer_size_force(&fd, SEND_BUFFER).is_err() {
            let _best_effort = sockopt::set_socket_send_buffer_size(&fd, SEND_BUFFER);
        }
        Ok(Self { fd, sequence: 1, buffer: vec![0; DATAGRAM] })
    }

    /// The first of `count` fresh sequence numbers.
    pub(crate) fn sequences(&mut self, count: u32) -> u32 {
        // Sequence numbers only need to differ among what can still be in the socket.
        if self.sequence > u32::MAX / 2 {
            self.sequence = 1;
        }
        let first = self.sequence;
        self.sequence += count;
        first
    }

    /// Throws away what earlier requests may have left behind.
    pub(crate) fn drain(&mut self) {
        while matches!(self.datagram(), Ok(Some(_)) | Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::INTR)) {}
    }

    /// Sends a request and hands every reply to `each`, until the kernel has no more.
    pub(crate) fn ask(
        &mut self,
        operation: &'static str,
        request: &[u8],
        mut each: impl FnMut(u32, Reply) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.drain();
        loop {
            match rustix::net::send(&self.fd, request, SendFlags::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Error::kernel(operation, errno)),
                Ok(_) => break,
            }
        }
        loop {
            match self.datagram() {
                Ok(None) => return Ok(()),
                Ok(Some(length)) => {
                    let bytes = self.buffer.get(..length).unwrap_or_default();
                    for message in Messages(bytes) {
                        let shape = |detail: String| Error::Shape { operation, detail };
                        let message: Message<'_> = message.map_err(|e| shape(e.to_string()))?;
                        each(message.sequence, reply(&message).map_err(|e| shape(e.to_string()))?)?;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Error::kernel(operation, errno)),
            }
        }
    }

    /// The length of the next datagram, if one is there.
    fn datagram(&mut self) -> Result<Option<usize>, rustix::io::Errno> {
        match rustix::net::recv(&self.fd, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
            Ok((_, whole)) if whole > DATAGRAM => Err(rustix::io::Errno::MSGSIZE),
            Ok((_, whole)) => Ok(Some(whole)),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}
