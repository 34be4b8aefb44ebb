// Package s3 keeps exported files in the cloud: bundle.Vault on a bucket.
//
// It promises that a file appears as a whole or not at all. A system's part is
// sealed under its request's key before it leaves the process. The finished archive
// is not: a browser has to be able to open it, so it lies under the bucket's KMS key
// alone, is gone after the export's life, and leaves by an address that is signed
// for one click and works for minutes.
//
// It leaves expiry, and that the bucket keeps no versions, to the deployment.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rightful/rightful/shared/bundle"
	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
)

// Vault is bundle.Vault on Bucket. Use it by pointer.
type Vault struct {
	Client *s3.Client
	Bucket string
	Sealer *envelope.Sealer
	Now    func() time.Time

	mu   sync.Mutex
	last string // the key of the small object that was read last, sealed as it lies there
	text []byte
}

var _ bundle.Vault = (*Vault)(nil)

// Client makes a client that names the bucket in the path where the endpoint isn't
// AWS's own, and in the host otherwise.
func Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

// small is up to which size an object is remembered: a bundle reads each part
// several times in a row.
const small = 8 << 20

func objectKey(id rights.ID, name string) (string, error) {
	if !strings.HasPrefix(string(id), "DR-") || strings.Contains(string(id), "/") || name == "" || strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
		return "", fmt.Errorf("%q is no name for a file in the vault", name)
	}
	return "exports/" + string(id) + "/" + name, nil
}

// Create implements bundle.Vault.
func (v *Vault) Create(ctx context.Context, id rights.ID, name string) (bundle.Writer, error) {
	key, err := objectKey(id, name)
	if err != nil {
		return nil, err
	}
	v.remember("", nil)
	up := &upload{ctx: ctx, client: v.Client, bucket: v.Bucket, key: key}
	if !bundle.IsPart(name) {
		return up, nil
	}
	sealed, err := v.Sealer.Writer(ctx, id, up, name)
	if err != nil {
		return nil, err
	}
	return sealedUpload{sealed, up}, nil
}

// sealedUpload seals what it uploads.
type sealedUpload struct {
	io.WriteCloser
	up *upload
}

func (w sealedUpload) Commit() error {
	if err := w.WriteCloser.Close(); err != nil {
		return errors.Join(err, w.up.Abort())
	}
	return w.up.Commit()
}

func (w sealedUpload) Abort() error { return w.up.Abort() }

// Open implements bundle.Vault.
func (v *Vault) Open(ctx context.Context, id rights.ID, name string) (io.ReadCloser, error) {
	key, err := objectKey(id, name)
	if err != nil {
		return nil, err
	}
	body, err := v.read(ctx, key)
	if err != nil || !bundle.IsPart(name) {
		return body, err
	}
	plain, err := v.Sealer.Reader(ctx, id, body, name)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, body}, nil
}

func (v *Vault) read(ctx context.Context, key string) (io.ReadCloser, error) {
	v.mu.Lock()
	last, text := v.last, v.text
	v.mu.Unlock()
	if last == key {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	out, err := v.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &v.Bucket, Key: &key})
	if _, none := errors.AsType[*types.NoSuchKey](err); none {
		return nil, &rights.Error{Code: rights.NotFound, Detail: "This file is not there any more. Ask for the export again."}
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read a file of the vault: %w", err)
	}
	if size := aws.ToInt64(out.ContentLength); size <= 0 || size > small {
		return out.Body, nil
	}
	text, err = io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return nil, fmt.Errorf("couldn't read a file of the vault: %w", err)
	}
	v.remember(key, text)
	return io.NopCloser(bytes.NewReader(text)), nil
}

func (v *Vault) remember(key string, text []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last, v.text = key, text
}

// Remove implements bundle.Vault.
func (v *Vault) Remove(ctx context.Context, id rights.ID, names ...string) error {
	v.remember("", nil)
	var keys []string
	for _, name := range names {
		key, err := objectKey(id, name)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	if len(names) > 0 {
		return v.remove(ctx, keys)
	}
	prefix, err := objectKey(id, "x")
	if err != nil {
		return err
	}
	prefix = strings.TrimSuffix(prefix, "x")
	pages := s3.NewListObjectsV2Paginator(v.Client, &s3.ListObjectsV2Input{Bucket: &v.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("couldn't list the files of %s: %w", id, err)
		}
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	return v.remove(ctx, keys)
}

func (v *Vault) remove(ctx context.Context, keys []string) error {
	for len(keys) > 0 {
		page := keys[:min(1000, len(keys))]
		keys = keys[len(page):]
		in := &s3.DeleteObjectsInput{Bucket: &v.Bucket, Delete: &types.Delete{Quiet: aws.Bool(true)}}
		for _, key := range page {
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: &key})
		}
		out, err := v.Client.DeleteObjects(ctx, in)
		if err != nil {
			return fmt.Errorf("couldn't remove files: %w", err)
		}
		if len(out.Errors) > 0 {
			return fmt.Errorf("couldn't remove %d files: %s", len(out.Errors), aws.ToString(out.Errors[0].Code))
		}
	}
	return nil
}

// Link implements bundle.Vault. A function's own credentials run out, too: an
// address never works longer than they do.
func (v *Vault) Link(ctx context.Context, id rights.ID, name, filename string, until time.Time) (string, error) {
	key, err := objectKey(id, name)
	if err != nil {
		return "", err
	}
	signed, err := s3.NewPresignClient(v.Client).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &v.Bucket, Key: &key,
		ResponseContentDisposition: aws.String(mime.FormatMediaType("attachment", map[string]string{"filename": filename})),
		ResponseCacheControl:       aws.String("no-store"),
	}, s3.WithPresignExpires(until.Sub(v.Now())))
	if err != nil {
		return "", fmt.Errorf("couldn't sign an address: %w", err)
	}
	return signed.URL, nil
}
