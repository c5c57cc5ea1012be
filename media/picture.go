package media

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Longest sides of what is made of a picture, in pixels.
const (
	mediumSide      = 2048
	thumbSide       = 480
	avatarSide      = 256
	avatarThumbSide = 64
)

// Largest picture that is taken, so that no file can fill the memory: of its file, of what it unpacks to, and of all frames of one that
// moves, which is unpacked by its viewers alone.
const (
	maxPictureBytes = 64 << 20
	maxPixels       = 50_000_000
	maxFramePixels  = 1_000_000_000
	maxICC          = 1 << 20
)

var errTooManyPixels = errors.New("the picture has too many pixels")

// picture is what is made of a photo or drawing for others to see.
type picture struct {
	main, thumb         []byte
	mainType, thumbType string
	width, height       int
	seconds             float64 // once through, of one that moves
	placeholder         string
}

// decoders by type.
var decoders = map[string]struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/gif":  {gif.DecodeConfig, gif.Decode}, // the first frame alone
	"image/webp": {webp.DecodeConfig, webp.Decode},
	"image/bmp":  {bmp.DecodeConfig, bmp.Decode},
	"image/tiff": {tiff.DecodeConfig, tiff.Decode},
}

// survey is what a picture's headers say: all that is needed to refuse it before it is unpacked.
type survey struct {
	anatomy
	width, height int   // as stored, before it is turned
	memory        int64 // bytes that unpacking takes, about
}

func surveyPicture(b []byte, mimeType string) (s survey, err error) {
	if s.anatomy, err = dissect(b, mimeType); err != nil {
		return s, err
	}
	source := b
	if s.still != nil {
		source = s.still
	}
	c, err := decoders[mimeType].config(bytes.NewReader(source))
	if err != nil {
		return s, fmt.Errorf("%w: %w", errDamaged, err)
	}
	s.width, s.height = c.Width, c.Height
	pixels := max(s.coded, int64(c.Width)*int64(c.Height))
	switch {
	case c.Width <= 0 || c.Height <= 0:
		return s, errDamaged
	case pixels > maxPixels || s.area > maxFramePixels:
		return s, errTooManyPixels
	}
	perPixel := int64(8)
	if mimeType == "image/jpeg" && !s.progressive || mimeType == "image/gif" {
		perPixel = 3
	}
	s.memory = int64(len(b)) + pixels*perPixel
	return s, nil
}

// makePicture makes what others see of a picture: without metadata, turned as it is to be looked at, in two sizes. One that moves keeps moving.
func makePicture(b []byte, mimeType string, s survey) (picture, error) {
	img, err := decodePicture(b, mimeType, s)
	if err != nil {
		return picture{}, err
	}
	p := picture{mainType: mimeType, main: s.clean, width: s.width, height: s.height}
	if s.orientation > 4 {
		p.width, p.height = p.height, p.width
	}
	if s.frames > 1 {
		p.seconds = max(s.seconds, 0.1)
	}
	opaque := isOpaque(img)
	if s.frames < 2 && (p.main == nil || s.orientation != 1 || max(s.width, s.height) > mediumSide) {
		shown := turn(shrink(img, mediumSide), s.orientation)
		p.width, p.height = shown.Rect.Dx(), shown.Rect.Dy()
		if p.main, p.mainType, err = encodePicture(shown, opaque, s.icc, 85); err != nil {
			return p, err
		}
		img, s.orientation = shown, 1
	}
	small := turn(shrink(img, thumbSide), s.orientation)
	p.placeholder = thumbhash(nrgba(shrink(small, 100)))
	if s.frames < 2 && max(p.width, p.height) <= thumbSide && len(p.main) <= 64<<10 {
		p.thumb, p.thumbType = p.main, p.mainType
		return p, nil
	}
	p.thumb, p.thumbType, err = encodePicture(small, opaque, s.icc, 80)
	return p, err
}

// makeAvatar makes a square picture in two sizes of the middle of another.
func makeAvatar(b []byte, mimeType string, s survey) (picture, error) {
	img, err := decodePicture(b, mimeType, s)
	if err != nil {
		return picture{}, err
	}
	r := img.Bounds()
	side := min(r.Dx(), r.Dy())
	corner := r.Min.Add(image.Pt((r.Dx()-side)/2, (r.Dy()-side)/2))
	opaque := isOpaque(img)
	p := picture{width: avatarSide, height: avatarSide}
	for _, v := range []struct {
		side     int
		to       *[]byte
		mimeType *string
	}{{avatarSide, &p.main, &p.mainType}, {avatarThumbSide, &p.thumb, &p.thumbType}} {
		square := image.NewRGBA(image.Rect(0, 0, v.side, v.side))
		draw.BiLinear.Scale(square, square.Rect, img, image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}, draw.Src, nil)
		square = turn(square, s.orientation)
		if *v.to, *v.mimeType, err = encodePicture(square, opaque, s.icc, 88); err != nil {
			return p, err
		}
		p.placeholder = thumbhash(nrgba(square))
	}
	return p, nil
}

func decodePicture(b []byte, mimeType string, s survey) (image.Image, error) {
	if s.still != nil {
		b = s.still
	}
	img, err := decoders[mimeType].decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return img, nil
}

func isOpaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// shrink makes the longer side at most so long. It never makes a picture larger.
func shrink(img image.Image, side int) *image.RGBA {
	r := img.Bounds()
	w, h := r.Dx(), r.Dy()
	if longer := max(w, h); longer > side {
		w, h = max(1, (w*side+longer/2)/longer), max(1, (h*side+longer/2)/longer)
	} else if same, ok := img.(*image.RGBA); ok {
		return same
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == r.Dx() && h == r.Dy() {
		draw.Draw(out, out.Rect, img, r.Min, draw.Src)
		return out
	}
	draw.BiLinear.Scale(out, out.Rect, img, r, draw.Src, nil)
	return out
}

// turn applies an orientation of EXIF.
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation > 4 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[out.PixOffset(tx, ty):][:4], img.Pix[img.PixOffset(img.Rect.Min.X+x, img.Rect.Min.Y+y):][:4])
		}
	}
	return out
}

func nrgba(img *image.RGBA) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	draw.Draw(out, out.Rect, img, img.Rect.Min, draw.Src)
	return out
}

// encodePicture writes JPEG, or PNG where there is transparency, with the colour profile of what it was made of.
func encodePicture(img *image.RGBA, opaque bool, icc []byte, quality int) ([]byte, string, error) {
	var out bytes.Buffer
	if opaque {
		if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, "", fmt.Errorf("write a JPEG: %w", err)
		}
		return withICC(out.Bytes(), icc), "image/jpeg", nil
	}
	if err := png.Encode(&out, img); err != nil {
		return nil, "", fmt.Errorf("write a PNG: %w", err)
	}
	return withPNGICC(out.Bytes(), icc), "image/png", nil
}

// rgbProfile reports whether a colour profile is one for red, green and blue, as what is written has (ICC.1:2022 §7.2.6).
func rgbProfile(icc []byte) bool {
	return len(icc) >= 128 && len(icc) <= maxICC && string(icc[16:20]) == "RGB "
}

// withICC puts a colour profile into a JPEG, in parts (ICC.1:2022 annex B.4).
func withICC(b, icc []byte) []byte {
	if !rgbProfile(icc) {
		return b
	}
	const most = 65535 - 2 - len(iccMark) - 2
	parts := (len(icc) + most - 1) / most
	out := append([]byte{}, b[:2]...)
	for i := range parts {
		part := icc[i*most : min(len(icc), (i+1)*most)]
		size := 2 + len(iccMark) + 2 + len(part)
		out = append(out, 0xff, 0xe2, byte(size>>8), byte(size))
		out = append(out, iccMark...)
		out = append(out, byte(i+1), byte(parts))
		out = append(out, part...)
	}
	return append(out, b[2:]...)
}

// withPNGICC puts a colour profile into a PNG, after its header (PNG 3rd edition §11.3.2.3).
func withPNGICC(b, icc []byte) []byte {
	if !rgbProfile(icc) {
		return b
	}
	body := bytes.NewBufferString("iCCPicc\x00\x00")
	z := zlib.NewWriter(body)
	_, _ = z.Write(icc) // into memory
	_ = z.Close()
	header := len(pngMagic) + 25
	size := body.Len() - 4
	out := append([]byte{}, b[:header]...)
	out = append(out, byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
	out = append(out, body.Bytes()...)
	sum := crc32.ChecksumIEEE(body.Bytes())
	out = append(out, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	return append(out, b[header:]...)
}

// inflateICC reads the profile of a PNG; nil if it is damaged or too large.
func inflateICC(chunk []byte) []byte {
	_, packed, ok := bytes.Cut(chunk, []byte{0})
	if !ok || len(packed) < 1 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil
	}
	icc, err := io.ReadAll(io.LimitReader(z, maxICC+1))
	if err != nil || len(icc) > maxICC {
		return nil
	}
	return icc
}
