package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
)

const secret = "GPS 48.8584 N 2.2945 E"

// corners is a picture of 4 colours: red, green above, blue, white below.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			switch {
			case x >= w/2 && y >= h/2:
				c = color.RGBA{255, 255, 255, 255}
			case x >= w/2:
				c = color.RGBA{0, 255, 0, 255}
			case y >= h/2:
				c = color.RGBA{0, 0, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// cornersOf names the colours in the corners of a picture: from the left above, to the right below.
func cornersOf(t *testing.T, b []byte) string {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r := img.Bounds()
	name := ""
	for _, p := range []image.Point{{r.Dx() / 4, r.Dy() / 4}, {r.Dx() * 3 / 4, r.Dy() / 4}, {r.Dx() / 4, r.Dy() * 3 / 4}, {r.Dx() * 3 / 4, r.Dy() * 3 / 4}} {
		red, green, blue, _ := img.At(r.Min.X+p.X, r.Min.Y+p.Y).RGBA()
		switch {
		case red > 0x8000 && green > 0x8000:
			name += "w"
		case red > 0x8000:
			name += "r"
		case green > 0x8000:
			name += "g"
		case blue > 0x8000:
			name += "b"
		default:
			name += "?"
		}
	}
	return name
}

func jpegOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif is EXIF with an orientation and what nobody else is to know.
func exif(orientation uint16) []byte {
	b := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	b = binary.BigEndian.AppendUint16(b, orientation)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(b, secret...)
}

// segment is a segment of a JPEG.
func segment(marker byte, body string) []byte {
	return append([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
}

// withSegments puts segments after the beginning of a JPEG.
func withSegments(b []byte, segments ...[]byte) []byte {
	out := append([]byte{}, b[:2]...)
	for _, s := range segments {
		out = append(out, s...)
	}
	return append(out, b[2:]...)
}

func made(t *testing.T, b []byte, mimeType string) picture {
	t.Helper()
	s, err := surveyPicture(b, mimeType)
	if err != nil {
		t.Fatal(err)
	}
	p, err := makePicture(b, mimeType, s)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"picture": p.main, "thumbnail": p.thumb} {
		if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte("Exif")) {
			t.Errorf("the %s still has metadata", name)
		}
	}
	if p.placeholder == "" {
		t.Error("there is no placeholder")
	}
	return p
}

func TestOrientation(t *testing.T) {
	for orientation, want := range []string{1: "rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"} {
		if orientation == 0 {
			continue
		}
		for _, side := range []int{400, 3000} { // as it is, and shrunk
			b := withSegments(jpegOf(t, corners(side, side/2)), segment(0xe1, "Exif\x00\x00"+string(exif(uint16(orientation)))))
			p := made(t, b, "image/jpeg")
			if got := cornersOf(t, p.main); got != want {
				t.Errorf("orientation %d: %s, want %s", orientation, got, want)
			}
			if got := cornersOf(t, p.thumb); got != want {
				t.Errorf("orientation %d of a thumbnail: %s, want %s", orientation, got, want)
			}
			if portrait := orientation > 4; portrait != (p.height > p.width) || max(p.width, p.height) > mediumSide {
				t.Errorf("orientation %d: %d × %d", orientation, p.width, p.height)
			}
		}
	}
}

func TestJPEGWithoutMetadata(t *testing.T) {
	plain := jpegOf(t, corners(300, 200))
	icc := make([]byte, 70_000)
	copy(icc[16:], "RGB ")
	var profile [][]byte
	for i, part := range [][]byte{icc[:65_000], icc[65_000:]} {
		profile = append(profile, segment(0xe2, iccMark+string([]byte{byte(i + 1), 2})+string(part)))
	}
	b := withSegments(plain, append(profile, segment(0xe1, "Exif\x00\x00"+string(exif(1))), segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret),
		segment(0xed, "Photoshop 3.0\x00"+secret), segment(0xfe, secret), segment(0xe2, "MPF\x00"+secret), segment(0xe0, "JFXX\x00"+secret))...)
	b = append(b, secret...) // a second picture or film after the end, as some phones have it
	p := made(t, b, "image/jpeg")
	if want := withSegments(plain, profile...); !bytes.Equal(p.main, want) {
		t.Errorf("%d bytes, want the %d that show, as they were", len(p.main), len(want))
	}
	// What is made anew has the colours' profile as well.
	large := withSegments(jpegOf(t, corners(4000, 200)), profile...)
	q := made(t, large, "image/jpeg")
	a, err := dissect(q.main, "image/jpeg")
	if err != nil || !bytes.Equal(a.icc, icc) {
		t.Errorf("the profile has %d bytes: %v", len(a.icc), err)
	}
}

// chunk is a chunk of a PNG.
func chunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(out, name...)
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPNGWithoutMetadata(t *testing.T) {
	plain := pngOf(t, corners(300, 200))
	const header = 33
	b := append([]byte{}, plain[:header]...)
	for _, c := range [][]byte{chunk("tEXt", []byte("Comment\x00"+secret)), chunk("iTXt", []byte("XML:com.adobe.xmp\x00"+secret)), chunk("eXIf", exif(1)), chunk("tIME", []byte("1234567"))} {
		b = append(b, c...)
	}
	b = append(append(b, plain[header:]...), secret...)
	if p := made(t, b, "image/png"); !bytes.Equal(p.main, plain) || p.mainType != "image/png" {
		t.Errorf("%d bytes of %s, want the %d that show", len(p.main), p.mainType, len(plain))
	}
}

func TestTransparencyStays(t *testing.T) {
	img := corners(3000, 2000)
	for x := range 3000 {
		img.SetRGBA(x, 0, color.RGBA{})
	}
	p := made(t, pngOf(t, img), "image/png")
	if p.mainType != "image/png" || p.thumbType != "image/png" || p.width != 2048 {
		t.Errorf("%s and %s, %d wide", p.mainType, p.thumbType, p.width)
	}
}

func TestAnimatedGIFMoves(t *testing.T) {
	palette := color.Palette{color.Black, color.White, color.RGBA{255, 0, 0, 255}}
	g := &gif.GIF{LoopCount: 3}
	for range 5 {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 2500, 40), palette))
		g.Delay = append(g.Delay, 7)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	at := 13 + colourTable(b.Bytes()[10])
	comment := append([]byte{0x21, 0xfe, byte(len(secret))}, secret...)
	xmp := append([]byte("\x21\xff\x0bXMP DataXMP"), byte(len(secret)))
	xmp = append(append(xmp, secret...), 0)
	with := append(append(append([]byte{}, b.Bytes()[:at]...), append(append(comment, 0), xmp...)...), b.Bytes()[at:]...)
	p := made(t, with, "image/gif")
	back, err := gif.DecodeAll(bytes.NewReader(p.main))
	if err != nil || len(back.Image) != 5 || back.LoopCount != 3 || back.Delay[0] != 7 || p.mainType != "image/gif" {
		t.Errorf("it moves no more: %v", err)
	}
	if math.Abs(p.seconds-0.35) > 1e-9 {
		t.Errorf("it takes %v seconds", p.seconds)
	}
	still := gif.GIF{Image: g.Image[:1], Delay: []int{50}}
	b.Reset()
	if err := gif.EncodeAll(&b, &still); err != nil {
		t.Fatal(err)
	}
	if p := made(t, b.Bytes(), "image/gif"); p.seconds != 0 {
		t.Errorf("one frame takes %v seconds", p.seconds)
	}
}

func TestAnimatedPNGMoves(t *testing.T) {
	still := pngOf(t, corners(64, 64))
	end := len(pngMagic) + 25
	frame := func(part uint16) []byte { // a quarter, or none
		body := make([]byte, 26)
		binary.BigEndian.PutUint32(body[4:], 64)
		binary.BigEndian.PutUint32(body[8:], 64)
		binary.BigEndian.PutUint16(body[20:], part)
		binary.BigEndian.PutUint16(body[22:], 4)
		return chunk("fcTL", body)
	}
	control := chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})
	b := slices.Concat(still[:end], control, frame(1), still[end:len(still)-12], frame(0), chunk("fdAT", []byte{0, 0, 0, 2}), still[len(still)-12:])
	if p := made(t, b, "image/png"); !bytes.Equal(p.main, b) || p.seconds != 0.35 {
		t.Errorf("it takes %v seconds", p.seconds)
	}
	if p := made(t, still, "image/png"); p.seconds != 0 {
		t.Errorf("a still one takes %v seconds", p.seconds)
	}
}

func riff(chunks ...[]byte) []byte {
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	for _, c := range chunks {
		out = append(out, c...)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

func riffChunkOf(name string, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
	out = append(out, body...)
	return append(out, make([]byte, len(body)&1)...)
}

// Pictures of one pixel: lossy, and lossless.
const (
	lossyWebP    = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
	losslessWebP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
)

func webpChunk(t *testing.T, file string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(file)
	if err != nil {
		t.Fatal(err)
	}
	return b[12:]
}

func TestWebPWithoutMetadata(t *testing.T) {
	for _, file := range []string{lossyWebP, losslessWebP} {
		data := webpChunk(t, file)
		extended := []byte("\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00")
		b := riff(riffChunkOf("VP8X", extended), data, riffChunkOf("EXIF", exif(1)), riffChunkOf("XMP ", []byte(secret)), riffChunkOf("odd ", []byte(secret)))
		want := riff(riffChunkOf("VP8X", make([]byte, 10)), data)
		if p := made(t, b, "image/webp"); !bytes.Equal(p.main, want) {
			t.Errorf("%q, want %q", p.main, want)
		}
	}
}

func TestAnimatedWebPMoves(t *testing.T) {
	frame := riffChunkOf("ANMF", append(make([]byte, 16), webpChunk(t, lossyWebP)...))
	b := riff(riffChunkOf("VP8X", []byte("\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00")), riffChunkOf("ANIM", make([]byte, 6)), frame, frame)
	if p := made(t, b, "image/webp"); !bytes.Equal(p.main, b) || p.thumbType == "image/webp" || p.seconds != 0.2 {
		t.Errorf("%q of %s, %v seconds", p.main, p.thumbType, p.seconds)
	}
}

// TestBombsAreRefusedByTheirHeader has small files that say they are huge. Were they unpacked, the test would take gigabytes.
func TestBombsAreRefusedByTheirHeader(t *testing.T) {
	header := make([]byte, 13)
	binary.BigEndian.PutUint32(header, 60_000)
	binary.BigEndian.PutUint32(header[4:], 60_000)
	header[8], header[9] = 8, 2
	bomb := append(append(append([]byte{}, pngMagic...), chunk("IHDR", header)...), append(chunk("IDAT", []byte("x")), chunk("IEND", nil)...)...)

	screen := []byte("GIF89a\x00\xf0\x00\xf0\x00\x00\x00\x2c\x00\x00\x00\x00\x00\xf0\x00\xf0\x00\x02\x01\x00\x00\x3b")

	small := jpegOf(t, corners(16, 16))
	at := bytes.Index(small, []byte{0xff, 0xc0})
	large := append([]byte{}, small...)
	binary.BigEndian.PutUint16(large[at+5:], 60_000)
	binary.BigEndian.PutUint16(large[at+7:], 60_000)

	lossy := webpChunk(t, lossyWebP)
	binary.LittleEndian.PutUint16(lossy[14:], 0x3fff)
	binary.LittleEndian.PutUint16(lossy[16:], 0x3fff)
	disguised := riff(riffChunkOf("VP8X", make([]byte, 10)), lossy) // the first header says one pixel

	var frames []byte
	for range 400 {
		frames = append(frames, "\x2c\x00\x00\x00\x00\x00\x10\x00\x10\x00\x02\x01\x00\x00"...)
	}
	many := append(append([]byte("GIF89a\x00\x10\x00\x10\x00\x00\x00"), frames...), 0x3b)

	for name, b := range map[string][]byte{"image/png": bomb, "image/gif": screen, "image/jpeg": large, "image/webp": disguised, "image/gif of many frames": many} {
		mimeType, _, _ := strings.Cut(name, " ")
		if _, err := surveyPicture(b, mimeType); !errors.Is(err, errTooManyPixels) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPicturesThatAreCutOff(t *testing.T) {
	whole := map[string][]byte{"image/jpeg": jpegOf(t, corners(64, 64)), "image/png": pngOf(t, corners(64, 64)), "image/webp": riff(webpChunk(t, lossyWebP))}
	var b bytes.Buffer
	if err := gif.Encode(&b, corners(64, 64), nil); err != nil {
		t.Fatal(err)
	}
	whole["image/gif"] = b.Bytes()
	for mimeType, b := range whole {
		for n := range b {
			s, err := surveyPicture(b[:n], mimeType)
			if err == nil {
				_, err = makePicture(b[:n], mimeType, s)
			}
			if !errors.Is(err, errDamaged) {
				t.Fatalf("%s: %d bytes of %d: %v", mimeType, n, len(b), err)
			}
		}
		made(t, b, mimeType)
	}
}

// FuzzPicture looks for panics and for metadata that stay: the parsers read what strangers send.
func FuzzPicture(f *testing.F) {
	types := []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/tiff"}
	add := func(kind uint8, b []byte) { f.Add(kind, b) }
	img := corners(20, 10)
	var j, p, g bytes.Buffer
	_ = jpeg.Encode(&j, img, nil) // into memory
	_ = png.Encode(&p, img)
	_ = gif.Encode(&g, img, nil)
	add(0, withSegments(j.Bytes(), segment(0xe1, "Exif\x00\x00"+string(exif(6)))))
	add(1, p.Bytes())
	add(2, g.Bytes())
	for _, file := range []string{lossyWebP, losslessWebP} {
		b, _ := base64.StdEncoding.DecodeString(file) // constants
		add(3, b)
	}
	add(4, exif(3))
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		mimeType := types[int(kind)%len(types)]
		s, err := surveyPicture(b, mimeType)
		if err != nil {
			return
		}
		if s.clean != nil {
			again, err := dissect(s.clean, mimeType)
			if err != nil || !bytes.Equal(again.clean, s.clean) {
				t.Fatalf("what was cleaned is cleaned otherwise again: %v", err)
			}
		}
		if s.width*s.height < 1<<16 && s.coded < 1<<16 {
			_, _ = makePicture(b, mimeType, s) // must not panic
		}
	})
}
