package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// partSize is how much is held before it is sent; S3 asks for 5 MB at least, and
// takes 10,000 parts: 80 GB.
const partSize = 8 << 20

// upload is an object that isn't there yet: one call where it is small, several
// parts otherwise. Nothing can be seen of it before Commit.
type upload struct {
	ctx         context.Context
	client      *s3.Client
	bucket, key string
	held        bytes.Buffer
	id          *string
	parts       []types.CompletedPart
}

// Write implements io.Writer.
func (u *upload) Write(text []byte) (int, error) {
	u.held.Write(text)
	for u.held.Len() >= partSize {
		if err := u.send(u.held.Next(partSize)); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

func (u *upload) send(part []byte) error {
	if u.id == nil {
		out, err := u.client.CreateMultipartUpload(u.ctx, &s3.CreateMultipartUploadInput{Bucket: &u.bucket, Key: &u.key})
		if err != nil {
			return fmt.Errorf("couldn't begin a file in the vault: %w", err)
		}
		u.id = out.UploadId
	}
	number := aws.Int32(int32(len(u.parts) + 1))
	out, err := u.client.UploadPart(u.ctx, &s3.UploadPartInput{Bucket: &u.bucket, Key: &u.key, UploadId: u.id, PartNumber: number, Body: bytes.NewReader(part)})
	if err != nil {
		return fmt.Errorf("couldn't write to the vault: %w", err)
	}
	u.parts = append(u.parts, types.CompletedPart{
		PartNumber: number, ETag: out.ETag,
		ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
	})
	return nil
}

// Commit makes the object appear.
func (u *upload) Commit() error {
	if u.id == nil {
		_, err := u.client.PutObject(u.ctx, &s3.PutObjectInput{Bucket: &u.bucket, Key: &u.key, Body: bytes.NewReader(u.held.Bytes())})
		if err != nil {
			return fmt.Errorf("couldn't store a file in the vault: %w", err)
		}
		return nil
	}
	if u.held.Len() > 0 {
		if err := u.send(u.held.Bytes()); err != nil {
			return errors.Join(err, u.Abort())
		}
	}
	_, err := u.client.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	if err != nil {
		return errors.Join(fmt.Errorf("couldn't store a file in the vault: %w", err), u.Abort())
	}
	return nil
}

// Abort leaves nothing behind; what a crash leaves, the bucket's own rule removes.
func (u *upload) Abort() error {
	if u.id == nil {
		return nil
	}
	// The caller may be out of time, and the parts cost money as long as they lie there.
	_, err := u.client.AbortMultipartUpload(context.WithoutCancel(u.ctx), &s3.AbortMultipartUploadInput{Bucket: &u.bucket, Key: &u.key, UploadId: u.id})
	return err
}
