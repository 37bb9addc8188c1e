//! Organisations and whose address is this: networks, domains, AS numbers, circuits, contacts.
