package media

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"magpie/server/chat"
)

// archive is a zip of files, names and contents.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: files[i], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// office is a package of Office Open XML whose list of types comes last, as some programs have it.
func office(t *testing.T, mainType string) []byte {
	t.Helper()
	types := `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/main.xml" ContentType="` + mainType + `.main+xml"/></Types>`
	return archive(t, "customXml/item1.xml", strings.Repeat("<x/>", 20_000), "main.xml", "<x/>", "[Content_Types].xml", types)
}

func ole(stream string) []byte {
	b := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 600)...)
	for _, r := range stream {
		b = append(b, byte(r), 0)
	}
	return append(b, make([]byte, 600)...)
}

func TestKindsByContent(t *testing.T) {
	const ooxml = "application/vnd.openxmlformats-officedocument."
	const odf = "application/vnd.oasis.opendocument."
	webm := func(track byte) []byte {
		return append([]byte("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02\x16\x54\xae\x6b\xae"), 0x83, 0x81, track)
	}
	mp4 := func(brand, handler string) []byte {
		return []byte("\x00\x00\x00\x18ftyp" + brand + "\x00\x00\x00\x00" + brand + "isom\x00\x00\x01\x00moov\x00\x00\x00\x20hdlr\x00\x00\x00\x00\x00\x00\x00\x00" + handler + strings.Repeat("\x00", 40))
	}
	for name, test := range map[string]struct {
		b        []byte
		mimeType string
		kind     byte
	}{
		"jpeg":                    {jpegOf(t, corners(8, 8)), "image/jpeg", chat.ContentImage},
		"png":                     {pngOf(t, corners(8, 8)), "image/png", chat.ContentImage},
		"webm with a film":        {webm(1), "video/webm", chat.ContentVideo},
		"webm with sound":         {webm(2), "audio/webm", chat.ContentAudio},
		"mp4 with a film":         {mp4("isom", "vide"), "video/mp4", chat.ContentVideo},
		"mp4 with sound":          {mp4("iso5", "soun"), "audio/mp4", chat.ContentAudio},
		"ogg":                     {[]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13OpusHead\x01\x01"), "audio/ogg", chat.ContentAudio},
		"pdf":                     {[]byte("%PDF-1.7\n"), "application/pdf", chat.ContentPDF},
		"text":                    {[]byte("Dear all,\n"), "text/plain; charset=utf-8", chat.ContentDocument},
		"csv":                     {[]byte("a,b,c\n1,2,3\n4,5,6\n"), "text/csv", chat.ContentSpreadsheet},
		"rtf":                     {[]byte(`{\rtf1\ansi text}`), "text/rtf", chat.ContentDocument},
		"docx":                    {office(t, ooxml+"wordprocessingml.document"), ooxml + "wordprocessingml.document", chat.ContentDocument},
		"xlsx":                    {office(t, ooxml+"spreadsheetml.sheet"), ooxml + "spreadsheetml.sheet", chat.ContentSpreadsheet},
		"pptx":                    {office(t, ooxml+"presentationml.presentation"), ooxml + "presentationml.presentation", chat.ContentSlides},
		"ppsx":                    {office(t, ooxml+"presentationml.slideshow"), ooxml + "presentationml.presentation", chat.ContentSlides},
		"xlsm":                    {office(t, "application/vnd.ms-excel.sheet.macroEnabled"), ooxml + "spreadsheetml.sheet", chat.ContentSpreadsheet},
		"odt":                     {archive(t, "mimetype", odf+"text", "content.xml", "<x/>"), odf + "text", chat.ContentDocument},
		"ods":                     {archive(t, "mimetype", odf+"spreadsheet", "content.xml", "<x/>"), odf + "spreadsheet", chat.ContentSpreadsheet},
		"odp":                     {archive(t, "mimetype", odf+"presentation", "content.xml", "<x/>"), odf + "presentation", chat.ContentSlides},
		"zip":                     {archive(t, "a.txt", "hello"), "application/zip", chat.ContentFile},
		"zip that is cut off":     {archive(t, "a.txt", "hello")[:60], "application/zip", chat.ContentFile},
		"doc":                     {ole("WordDocument"), "application/msword", chat.ContentDocument},
		"xls":                     {ole("Workbook"), "application/vnd.ms-excel", chat.ContentSpreadsheet},
		"ppt":                     {ole("PowerPoint Document"), "application/vnd.ms-powerpoint", chat.ContentSlides},
		"html":                    {[]byte("<!doctype html><script>1</script>"), "text/html; charset=utf-8", chat.ContentFile},
		"svg":                     {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "image/svg+xml", chat.ContentFile},
		"anything":                {[]byte{0, 1, 2, 3, 4, 0xff}, "application/octet-stream", chat.ContentFile},
		"a program":               {[]byte("MZ\x90\x00\x03"), "application/vnd.microsoft.portable-executable", chat.ContentFile},
		"html that says it's png": {[]byte("\x89PNG<html><script>"), "text/plain; charset=utf-8", 0},
	} {
		mimeType, kind := sniff(test.b[:min(len(test.b), headSize)], bytes.NewReader(test.b), int64(len(test.b)))
		if test.kind == 0 {
			if kind == chat.ContentImage {
				t.Errorf("%s counts as a picture: %s", name, mimeType)
			}
			continue
		}
		if mimeType != test.mimeType || kind != test.kind {
			t.Errorf("%s: %s of kind %d, want %s of kind %d", name, mimeType, kind, test.mimeType, test.kind)
		}
	}
}

// TestArchivesThatLie changes the end of an archive so that it says that there is more than there can be, or more than a document has.
func TestArchivesThatLie(t *testing.T) {
	document := archive(t, "mimetype", "application/vnd.oasis.opendocument.text")
	end := len(document) - 22
	for name, change := range map[string]func([]byte){
		"more files than the list has room for": func(b []byte) { b[end+10] = 2 },
		"a list too long":                       func(b []byte) { binary.LittleEndian.PutUint32(b[end+12:], maxDirectory+1) },
		"ZIP64":                                 func(b []byte) { binary.LittleEndian.PutUint16(b[end+10:], 0xffff) },
		"no end":                                func(b []byte) { b[end] = 0 },
		"nothing of these":                      nil,
	} {
		b := bytes.Clone(document)
		if change != nil {
			change(b)
		}
		if smallDirectory(bytes.NewReader(b), int64(len(b))) != (change == nil) {
			t.Errorf("%s is taken, or refused", name)
		}
	}
	if !isArchive(document) {
		t.Error("an archive takes no memory")
	}
	var parts []string
	for i := range 12_000 {
		parts = append(parts, fmt.Sprintf("%s-%d", strings.Repeat("n", 60), i), "")
	}
	large := archive(t, append([]string{"mimetype", "application/vnd.oasis.opendocument.text"}, parts...)...)
	if got := packageType(bytes.NewReader(large), int64(len(large))); got != "" {
		t.Errorf("one with 12,000 parts is %s", got)
	}
}

// TestArchivesOfManyFiles looks at how much of an archive is read to tell what it is.
func TestArchivesOfManyFiles(t *testing.T) {
	var files []string
	for i := range 120_000 {
		files = append(files, fmt.Sprintf("%s-%d", strings.Repeat("n", 60), i), "")
	}
	b := archive(t, files...)
	s, err := Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "acme/00/zip", bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	w := &window{ctx: t.Context(), store: s, key: "acme/00/zip", size: int64(len(b))}
	if mimeType, kind := sniff(b[:headSize], w, w.size); mimeType != "application/zip" || kind != chat.ContentFile {
		t.Errorf("%s of kind %d", mimeType, kind)
	}
	if w.reads > windowReads+1 {
		t.Errorf("%d reads", w.reads)
	}
}
