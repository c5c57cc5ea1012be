package media

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"io"
	"mime"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"magpie/server/chat"
)

// headSize is how much of a file's beginning tells what it is.
const headSize = 16 << 10

const (
	// maxContentTypes is the most that is read of a package's list of content types.
	maxContentTypes = 256 << 10
	// maxDirectory is the largest list of files, in bytes, of an archive that may be a document: thousands of parts have room in it.
	maxDirectory = 1 << 20
	// archiveMemory is what reading such a list and one of its files takes at the most.
	archiveMemory = 24 << 20
)

// isArchive reports whether sniff will look for a document in an archive, and so takes archiveMemory.
func isArchive(head []byte) bool { return bytes.HasPrefix(head, []byte("PK")) }

func init() { mimetype.SetLimit(headSize) }

const (
	binaryType = "application/octet-stream"
	zipType    = "application/zip"
)

// kinds of the types that are not told by their first half.
var kinds = map[string]byte{
	"application/pdf":    chat.ContentPDF,
	"application/msword": chat.ContentDocument,
	"application/rtf":    chat.ContentDocument,
	"text/rtf":           chat.ContentDocument,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   chat.ContentDocument,
	"application/vnd.oasis.opendocument.text":                                   chat.ContentDocument,
	"application/vnd.oasis.opendocument.text-template":                          chat.ContentDocument,
	"application/epub+zip":                                                      chat.ContentDocument,
	"application/vnd.ms-powerpoint":                                             chat.ContentSlides,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": chat.ContentSlides,
	"application/vnd.openxmlformats-officedocument.presentationml.slideshow":    chat.ContentSlides,
	"application/vnd.oasis.opendocument.presentation":                           chat.ContentSlides,
	"application/vnd.oasis.opendocument.presentation-template":                  chat.ContentSlides,
	"application/vnd.ms-excel":                                                  chat.ContentSpreadsheet,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         chat.ContentSpreadsheet,
	"application/vnd.oasis.opendocument.spreadsheet":                            chat.ContentSpreadsheet,
	"application/vnd.oasis.opendocument.spreadsheet-template":                   chat.ContentSpreadsheet,
	"text/csv":                  chat.ContentSpreadsheet,
	"text/tab-separated-values": chat.ContentSpreadsheet,
	"application/ogg":           chat.ContentAudio,
	"text/plain":                chat.ContentDocument,
}

// sniff tells what a file is by its content: its MIME type, without parameters but for the charset of text, and its content type of
// docs/protocol.md §4. head is its beginning, whole all of it. Its name counts for nothing.
func sniff(head []byte, whole io.ReaderAt, size int64) (mimeType string, kind byte) {
	found := mimetype.Detect(head)
	full, params, err := mime.ParseMediaType(found.String())
	if err != nil {
		return binaryType, chat.ContentFile
	}
	if found.Is(zipType) || found.Parent() != nil && found.Parent().Is(zipType) {
		if t := packageType(whole, size); t != "" {
			full = t
		}
	}
	if found.Is("application/x-ole-storage") {
		full = oleType(head)
	}
	if strings.HasPrefix(full, "text/") && params["charset"] != "" {
		defer func() { mimeType += "; charset=" + params["charset"] }()
	}
	if k, ok := kinds[full]; ok {
		return full, k
	}
	switch major, _, _ := strings.Cut(full, "/"); {
	case full == "image/jpeg", full == "image/png", full == "image/gif", full == "image/webp", full == "image/bmp", full == "image/tiff":
		return full, chat.ContentImage
	case full == "video/webm" && !hasVideo(head):
		return "audio/webm", chat.ContentAudio
	case full == "video/mp4" && audioBrand(head):
		return "audio/mp4", chat.ContentAudio
	case major == "audio":
		return full, chat.ContentAudio
	case major == "video":
		return full, chat.ContentVideo
	}
	return full, chat.ContentFile
}

// hasVideo reports whether the beginning of a Matroska file lists a track of video: recorders of sound write the same form. Tracks have
// the element TrackType (0x83), of one byte: 1 video, 2 audio (RFC 9559 §5.1.4.1.3).
func hasVideo(head []byte) bool { return bytes.Contains(head, []byte{0x83, 0x81, 0x01}) }

// audioBrand reports whether an MP4 calls itself sound (ISO/IEC 14496-12 §4.3), or its only handler is one of sound.
func audioBrand(head []byte) bool {
	if len(head) >= 12 && (string(head[8:12]) == "M4A " || string(head[8:12]) == "M4B ") {
		return true
	}
	return bytes.Contains(head, []byte("hdlr\x00\x00\x00\x00\x00\x00\x00\x00soun")) && !bytes.Contains(head, []byte("hdlr\x00\x00\x00\x00\x00\x00\x00\x00vide"))
}

// oleType tells the programs of old Office apart by the streams that their files hold, whose names are in UTF-16.
func oleType(head []byte) string {
	for _, p := range []struct{ stream, mimeType string }{
		{"WordDocument", "application/msword"},
		{"PowerPoint Document", "application/vnd.ms-powerpoint"},
		{"Workbook", "application/vnd.ms-excel"},
	} {
		var name []byte
		for i := range len(p.stream) {
			name = append(name, p.stream[i], 0)
		}
		if bytes.Contains(head, name) {
			return p.mimeType
		}
	}
	return "application/x-ole-storage"
}

// packageType looks into an archive: "" unless it is a document of an office program. [Content_Types].xml of Office Open XML names the
// main part's type (ECMA-376 part 2 §7.2.3); OpenDocument has a file "mimetype" (ODF 1.3 part 2 §3.3).
func packageType(whole io.ReaderAt, size int64) string {
	if !smallDirectory(whole, size) {
		return ""
	}
	z, err := zip.NewReader(whole, size)
	if err != nil {
		return ""
	}
	for _, f := range z.File {
		switch f.Name {
		case "mimetype":
			if t := strings.TrimSpace(readEntry(f, 128)); kinds[t] != 0 {
				return t
			}
		case "[Content_Types].xml":
			var types struct {
				Override []struct {
					ContentType string `xml:",attr"`
				}
			}
			if xml.Unmarshal([]byte(readEntry(f, maxContentTypes)), &types) != nil {
				return ""
			}
			for _, o := range types.Override {
				if main, ok := strings.CutSuffix(o.ContentType, ".main+xml"); ok {
					for _, p := range packageParts {
						if strings.Contains(main, p.part) {
							return p.mimeType
						}
					}
				}
			}
			return ""
		}
	}
	return ""
}

// smallDirectory reports whether an archive's list of files is within maxDirectory and no shorter than its number of files takes: the reader makes
// room for as many as the archive says (APPNOTE 6.3.10 §4.3.12, §4.3.16). Documents have no need of ZIP64.
func smallDirectory(whole io.ReaderAt, size int64) bool {
	const endLen, entryLen = 22, 46
	end := make([]byte, min(size, endLen+1<<16-1))
	if n, err := whole.ReadAt(end, size-int64(len(end))); n < len(end) && err != nil {
		return false
	}
	at := bytes.LastIndex(end, []byte("PK\x05\x06"))
	if at < 0 || len(end)-at < endLen {
		return false
	}
	records, length := int64(binary.LittleEndian.Uint16(end[at+10:])), int64(binary.LittleEndian.Uint32(end[at+12:]))
	return records < 1<<16-1 && length <= maxDirectory && records*entryLen <= length
}

// packageParts tells the types of a package's main part: plain, template, slide show, with macros.
var packageParts = []struct{ part, mimeType string }{
	{"wordprocessingml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"vnd.ms-word", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"spreadsheetml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"vnd.ms-excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"presentationml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	{"vnd.ms-powerpoint", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
}

func readEntry(f *zip.File, most int64) string {
	r, err := f.Open()
	if err != nil {
		return ""
	}
	defer func() { _ = r.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return ""
	}
	return string(b)
}
