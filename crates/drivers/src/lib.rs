//! The only place that starts programs; nftables through netlink, plain lists, namespaces.
