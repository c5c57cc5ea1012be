package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// anatomy is what a picture's file says besides its pixels, found while its metadata are taken out.
type anatomy struct {
	clean       []byte  // the file without metadata: no EXIF, no XMP, no comments, nothing after its end
	orientation int     // 1 to 8, EXIF 2.32 §4.6.4 (tag 0x0112)
	icc         []byte  // colour profile
	frames      int     // 2 or more: it moves
	seconds     float64 // that its frames stand, once through
	coded       int64   // pixels of the largest picture inside, where that may differ from what the file's first header says
	area        int64   // pixels of all frames
	still       []byte  // its first picture as a file of its own, where the decoder needs that
	progressive bool    // of a JPEG: the decoder keeps all coefficients
}

var (
	errDamaged = errors.New("the picture is damaged")
	pngMagic   = []byte("\x89PNG\r\n\x1a\n")
)

// stands counts a frame that is to stand so long. One that says next to nothing stands a tenth of a second in all browsers.
func (a *anatomy) stands(seconds float64) {
	if seconds <= 0.01 {
		seconds = 0.1
	}
	a.seconds += seconds
}

// dissect takes a picture's file apart. It reads structure only, no pixels.
func dissect(b []byte, mimeType string) (anatomy, error) {
	switch mimeType {
	case "image/jpeg":
		return dissectJPEG(b)
	case "image/png":
		return dissectPNG(b)
	case "image/webp":
		return dissectWebP(b)
	case "image/gif":
		return dissectGIF(b)
	case "image/tiff":
		return anatomy{orientation: orientation(b), frames: 1}, nil
	}
	return anatomy{orientation: 1, frames: 1}, nil
}

const iccMark = "ICC_PROFILE\x00"

// dissectJPEG keeps the segments that the picture needs (ITU-T T.81 §B.1.1): of the application's own, those of JFIF, of the colour profile
// and of Adobe, which says how colours are coded.
func dissectJPEG(b []byte) (anatomy, error) {
	a := anatomy{orientation: 1, frames: 1}
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return a, errDamaged
	}
	out := append(make([]byte, 0, len(b)), b[:2]...)
	for i := 2; ; {
		for i < len(b) && b[i] == 0xff && i+1 < len(b) && b[i+1] == 0xff {
			i++ // fill bytes
		}
		if i+2 > len(b) || b[i] != 0xff {
			return a, errDamaged
		}
		marker := b[i+1]
		if marker == 0xd9 { // end of image
			a.clean = append(out, 0xff, 0xd9)
			return a, nil
		}
		if marker == 0x01 || marker >= 0xd0 && marker <= 0xd7 {
			out = append(out, b[i:i+2]...)
			i += 2
			continue
		}
		if i+4 > len(b) {
			return a, errDamaged
		}
		size := int(binary.BigEndian.Uint16(b[i+2:]))
		if size < 2 || i+2+size > len(b) {
			return a, errDamaged
		}
		segment, body := b[i:i+2+size], b[i+4:i+2+size]
		i += 2 + size
		keep := true
		switch {
		case marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			a.orientation, keep = orientation(body[6:]), false
		case marker == 0xe2 && bytes.HasPrefix(body, []byte(iccMark)) && len(body) > len(iccMark)+2:
			a.icc = append(a.icc, body[len(iccMark)+2:]...)
		case marker == 0xe0 || marker == 0xee:
			keep = bytes.HasPrefix(body, []byte("JFIF\x00")) || bytes.HasPrefix(body, []byte("Adobe"))
		case marker >= 0xe1 && marker <= 0xef || marker == 0xfe:
			keep = false
		case marker == 0xc2:
			a.progressive = true
		}
		if keep {
			out = append(out, segment...)
		}
		if marker == 0xda { // the scan's data follow, up to the next marker
			end := i
			for end+1 < len(b) && (b[end] != 0xff || b[end+1] == 0 || b[end+1] >= 0xd0 && b[end+1] <= 0xd7) {
				end++
			}
			if end+1 >= len(b) {
				return a, errDamaged
			}
			out = append(out, b[i:end]...)
			i = end
		}
	}
}

// Chunks of PNG that show (PNG 3rd edition §11): the rest are texts, times and EXIF.
var pngChunks = []string{"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "sBIT", "bKGD", "pHYs", "acTL", "fcTL", "fdAT"}

func dissectPNG(b []byte) (anatomy, error) {
	a := anatomy{orientation: 1, frames: 1}
	if !bytes.HasPrefix(b, pngMagic) {
		return a, errDamaged
	}
	out := append(make([]byte, 0, len(b)), pngMagic...)
	for i := len(pngMagic); ; {
		if i+12 > len(b) {
			return a, errDamaged
		}
		size := int64(binary.BigEndian.Uint32(b[i:]))
		if int64(i)+12+size > int64(len(b)) {
			return a, errDamaged
		}
		name, body, end := string(b[i+4:i+8]), b[i+8:i+8+int(size)], i+12+int(size)
		switch name {
		case "acTL":
			if size >= 4 {
				a.frames = max(1, int(binary.BigEndian.Uint32(body)&0x7fffffff))
			}
		case "fcTL":
			if size >= 12 {
				a.area += int64(binary.BigEndian.Uint32(body[4:])) * int64(binary.BigEndian.Uint32(body[8:]))
			}
			if size >= 24 {
				part := float64(binary.BigEndian.Uint16(body[22:]))
				if part == 0 {
					part = 100 // PNG 3rd edition §11.3.6.2
				}
				a.stands(float64(binary.BigEndian.Uint16(body[20:])) / part)
			}
		case "iCCP":
			a.icc = inflateICC(body)
		}
		if slices.Contains(pngChunks, name) {
			out = append(out, b[i:end]...)
		}
		if i = end; name == "IEND" {
			a.clean = out
			return a, nil
		}
	}
}

// dissectWebP reads the container (RFC 9649 §2.7). Of the chunks EXIF, XMP and unknown ones are left out.
func dissectWebP(b []byte) (anatomy, error) {
	a := anatomy{orientation: 1}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return a, errDamaged
	}
	end := min(int64(len(b)), 8+int64(binary.LittleEndian.Uint32(b[4:])))
	if end < 12 {
		return a, errDamaged
	}
	out := append(make([]byte, 0, len(b)), b[:12]...)
	extended := -1
	for rest := b[12:end]; len(rest) >= 8; {
		chunk, body, after, err := riffChunk(rest)
		if err != nil {
			return a, err
		}
		rest = after
		switch string(chunk[:4]) {
		case "VP8X":
			extended = len(out)
		case "ANMF":
			if len(body) < 16 {
				return a, errDamaged
			}
			a.frames++
			a.area += int64(le24(body[6:])+1) * int64(le24(body[9:])+1)
			a.stands(float64(le24(body[12:])) / 1000)
			if a.still == nil {
				a.still, a.coded = stillWebP(body)
			}
		case "ICCP":
			a.icc = body
		case "EXIF":
			a.orientation = orientation(bytes.TrimPrefix(body, []byte("Exif\x00\x00")))
			continue
		case "VP8 ", "VP8L":
			a.coded = max(a.coded, codedWebP(chunk))
		case "ALPH", "ANIM":
		default:
			continue
		}
		out = append(out, chunk...)
	}
	if extended >= 0 {
		if extended+9 > len(out) {
			return a, errDamaged
		}
		out[extended+8] &^= 0x0c // no EXIF, no XMP
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	a.frames, a.clean = max(1, a.frames), out
	return a, nil
}

// riffChunk splits the first chunk off: the whole of it with its padding, and its body.
func riffChunk(b []byte) (chunk, body, rest []byte, err error) {
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	if 8+size > int64(len(b)) {
		return nil, nil, nil, errDamaged
	}
	end := int(8 + size)
	padded := min(end+end&1, len(b))
	return b[:padded], b[8:end], b[padded:], nil
}

// stillWebP makes a file of the first frame of an animation.
func stillWebP(frame []byte) (file []byte, coded int64) {
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	var data []byte
	alpha := false
	for rest := frame[16:]; len(rest) >= 8; {
		chunk, _, after, err := riffChunk(rest)
		if err != nil {
			break
		}
		switch rest = after; string(chunk[:4]) {
		case "ALPH":
			alpha = true
			data = append(data, chunk...)
		case "VP8 ", "VP8L":
			coded = max(coded, codedWebP(chunk))
			data = append(data, chunk...)
		}
	}
	if alpha {
		out = append(out, "VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"...)
		out = append(out, frame[6:12]...) // width and height, less one
	}
	out = append(out, data...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, coded
}

// codedWebP is how many pixels the data of a picture say that they hold: in the header of a key frame (RFC 6386 §9.1), or of the lossless
// form (RFC 9649 §3.4).
func codedWebP(chunk []byte) int64 {
	if len(chunk) < 18 {
		return 0
	}
	if chunk[3] == 'L' {
		bits := binary.LittleEndian.Uint32(chunk[9:])
		return int64(bits&0x3fff+1) * int64(bits>>14&0x3fff+1)
	}
	return int64(binary.LittleEndian.Uint16(chunk[14:])&0x3fff) * int64(binary.LittleEndian.Uint16(chunk[16:])&0x3fff)
}

func le24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// dissectGIF keeps pictures, their control, and how often they repeat (GIF89a §20–26).
func dissectGIF(b []byte) (anatomy, error) {
	a := anatomy{orientation: 1}
	if len(b) < 13 || string(b[:3]) != "GIF" {
		return a, errDamaged
	}
	at := 13 + colourTable(b[10])
	if at > len(b) {
		return a, errDamaged
	}
	out := append(make([]byte, 0, len(b)), b[:at]...)
	for {
		if at >= len(b) {
			return a, errDamaged
		}
		start := at
		keep := true
		switch b[at] {
		case 0x3b: // end
			a.frames, a.clean = max(1, a.frames), append(out, 0x3b)
			return a, nil
		case 0x21:
			if at+3 > len(b) {
				return a, errDamaged
			}
			keep = b[at+1] == 0xf9
			if keep && at+6 <= len(b) {
				a.stands(float64(binary.LittleEndian.Uint16(b[at+4:])) / 100)
			}
			if b[at+1] == 0xff && at+14 <= len(b) && b[at+2] == 11 {
				name := string(b[at+3 : at+14])
				keep = name == "NETSCAPE2.0" || name == "ANIMEXTS1.0"
			}
			at += 2
		case 0x2c:
			if at+11 > len(b) {
				return a, errDamaged
			}
			a.frames++
			a.area += int64(binary.LittleEndian.Uint16(b[at+5:])) * int64(binary.LittleEndian.Uint16(b[at+7:]))
			at += 10 + colourTable(b[at+9]) + 1
		default:
			return a, errDamaged
		}
		for { // blocks of data
			if at >= len(b) {
				return a, errDamaged
			}
			n := int(b[at])
			at += 1 + n
			if n == 0 {
				break
			}
		}
		if at > len(b) {
			return a, errDamaged
		}
		if keep {
			out = append(out, b[start:at]...)
		}
	}
}

// colourTable is the size of the table that follows a block with these flags.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// orientation reads how a picture is to be turned from EXIF, which has the form of TIFF; 1 where it does not say.
func orientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
