//! Pages: server-rendered, zh-TW first, live with htmx, whole without script.
