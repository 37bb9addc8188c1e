//! Why a line is refused.

base::codes! {
    /// The line is longer than the door allows.
    pub LINE_TOO_LONG = "LF-ING-0001", 422,
        en "The line is too long.", zh "此行過長。",
        act_en "A line may hold 65,536 bytes; shorten it at the source.", act_zh "每行最多 65,536 位元組；請在來源端縮短。";
    /// The line is not UTF-8.
    pub NOT_UTF8 = "LF-ING-0002", 422,
        en "The line is not UTF-8 text.", zh "此行不是 UTF-8 文字。",
        act_en "Convert the file to UTF-8.", act_zh "請將檔案轉為 UTF-8 編碼。";
    /// The line holds a NUL byte.
    pub NUL_BYTE = "LF-ING-0003", 422,
        en "The line holds a NUL byte.", zh "此行含有 NUL 位元組。",
        act_en "The file is damaged or not a text file; repair it at the source.", act_zh "檔案已損毀或不是文字檔；請在來源端修復。";
    /// Nested deeper than the door allows.
    pub TOO_DEEP = "LF-ING-0004", 422,
        en "The JSON is nested too deeply.", zh "JSON 巢狀層數過多。",
        act_en "At most 32 levels are read.", act_zh "最多讀取 32 層。";
    /// The line is not JSON.
    pub NOT_JSON = "LF-ING-0005", 422,
        en "The line is not a JSON object.", zh "此行不是 JSON 物件。",
        act_en "Send one complete JSON object per line.", act_zh "每行請傳送一個完整的 JSON 物件。";
    /// JSON, but not of this format.
    pub NOT_THIS_FORMAT = "LF-ING-0006", 422,
        en "The line is JSON, but not of the format named.", zh "此行是 JSON，但不符合指定的格式。",
        act_en "Name the format the file really has.", act_zh "請指定檔案實際的格式。";
    /// A field is missing.
    pub MISSING_FIELD = "LF-ING-0007", 422,
        en "A field is missing.", zh "缺少欄位。",
        act_en "The named field must be there for this kind of event.", act_zh "此類事件必須有指出的欄位。";
    /// A field has an unusable value.
    pub BAD_FIELD = "LF-ING-0008", 422,
        en "A field has an unusable value.", zh "欄位的值無法使用。",
        act_en "Correct the named field at the source.", act_zh "請在來源端修正指出的欄位。";
    /// The time is missing, unreadable or before 2000.
    pub BAD_TIME = "LF-ING-0009", 422,
        en "The time of the event is unusable.", zh "事件時間無法使用。",
        act_en "Set the clock of the source; times are RFC 3339 or UTC.", act_zh "請校正來源時鐘；時間須為 RFC 3339 或 UTC。";
}
