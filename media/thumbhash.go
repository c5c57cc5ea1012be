package media

import (
	"encoding/base64"
	"image"
	"math"
)

// thumbhash encodes a picture of at most 100 × 100 pixels as some 25 bytes, in base64, from which a blurred one can be drawn at once.
// The form is Evan Wallace's (https://evanw.github.io/thumbhash/): a few terms of the cosine transform of luminance, two colour
// differences and, where there is any, transparency.
func thumbhash(img *image.NRGBA) string {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	n := w * h
	var avgR, avgG, avgB, avgA float64
	for y := range h {
		for x := range w {
			c := img.NRGBAAt(img.Rect.Min.X+x, img.Rect.Min.Y+y)
			a := float64(c.A) / 255
			avgR += a / 255 * float64(c.R)
			avgG += a / 255 * float64(c.G)
			avgB += a / 255 * float64(c.B)
			avgA += a
		}
	}
	if avgA > 0 {
		avgR, avgG, avgB = avgR/avgA, avgG/avgA, avgB/avgA
	}
	hasAlpha := avgA < float64(n)
	limit := 7.0
	if hasAlpha {
		limit = 5
	}
	longer := float64(max(w, h))
	lx := max(1, int(math.Round(limit*float64(w)/longer)))
	ly := max(1, int(math.Round(limit*float64(h)/longer)))
	l, p, q, a := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		c := img.NRGBAAt(img.Rect.Min.X+i%w, img.Rect.Min.Y+i/w)
		alpha := float64(c.A) / 255
		r := avgR*(1-alpha) + alpha/255*float64(c.R)
		g := avgG*(1-alpha) + alpha/255*float64(c.G)
		b := avgB*(1-alpha) + alpha/255*float64(c.B)
		l[i], p[i], q[i], a[i] = (r+g+b)/3, (r+g)/2-b, r-g, alpha
	}
	ldc, lac, lscale := cosines(l, w, h, max(3, lx), max(3, ly))
	pdc, pac, pscale := cosines(p, w, h, 3, 3)
	qdc, qac, qscale := cosines(q, w, h, 3, 3)

	landscape := w > h
	header24 := round(63*ldc) | round(31.5+31.5*pdc)<<6 | round(31.5+31.5*qdc)<<12 | round(31*lscale)<<18
	header16 := lx | round(63*pscale)<<3 | round(63*qscale)<<9
	if hasAlpha {
		header24 |= 1 << 23
	}
	if landscape {
		header16 = header16&^7 | ly | 1<<15
	}
	hash := []byte{byte(header24), byte(header24 >> 8), byte(header24 >> 16), byte(header16), byte(header16 >> 8)}
	series := [][]float64{lac, pac, qac}
	if hasAlpha {
		adc, aac, ascale := cosines(a, w, h, 5, 5)
		hash = append(hash, byte(round(15*adc)|round(15*ascale)<<4))
		series = append(series, aac)
	}
	high := false
	for _, ac := range series {
		for _, f := range ac {
			v := byte(round(15 * f))
			if high {
				hash[len(hash)-1] |= v << 4
			} else {
				hash = append(hash, v)
			}
			high = !high
		}
	}
	return base64.StdEncoding.EncodeToString(hash)
}

// cosines returns the constant term, the others scaled to 0…1, and the scale.
func cosines(channel []float64, w, h, nx, ny int) (dc float64, ac []float64, scale float64) {
	fx := make([]float64, w)
	for cy := range ny {
		for cx := 0; cx*ny < nx*(ny-cy); cx++ {
			for x := range w {
				fx[x] = math.Cos(math.Pi / float64(w) * float64(cx) * (float64(x) + 0.5))
			}
			f := 0.0
			for y := range h {
				fy := math.Cos(math.Pi / float64(h) * float64(cy) * (float64(y) + 0.5))
				for x := range w {
					f += channel[x+y*w] * fx[x] * fy
				}
			}
			f /= float64(w * h)
			if cx > 0 || cy > 0 {
				ac = append(ac, f)
				scale = max(scale, math.Abs(f))
			} else {
				dc = f
			}
		}
	}
	if scale > 0 {
		for i := range ac {
			ac[i] = 0.5 + 0.5/scale*ac[i]
		}
	}
	return dc, ac, scale
}

// round is JavaScript's Math.round, as other encoders have it.
func round(f float64) int { return int(math.Floor(f + 0.5)) }
