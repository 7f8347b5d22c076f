module.exports = async function (context, myBlob) {
    context.log(`The blob trigger function {{name}} found ${context.bindingData.blobTrigger} (${myBlob.length} bytes).`);
};
